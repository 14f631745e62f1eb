"""Qt, from wherever it is: rqt's own binding inside rqt, PyQt5 by itself for `wvl label`.

Every other file of this room imports Qt, and pyqtgraph, from here: pyqtgraph takes the binding that
is loaded already. Enums are written with their full scope, which PyQt5, PyQt6 and PySide6 share.
"""

try:
    from python_qt_binding import QtCore, QtGui, QtWidgets
    from python_qt_binding.QtCore import Signal
except ModuleNotFoundError:  # no ROS here
    from PyQt5 import QtCore, QtGui, QtWidgets
    from PyQt5.QtCore import pyqtSignal as Signal

import pyqtgraph

Qt = QtCore.Qt

__all__ = ["Qt", "QtCore", "QtGui", "QtWidgets", "Signal", "pyqtgraph"]
