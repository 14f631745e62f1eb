"""`wvl doctor`: looks at everything an evening at the rig can fail on, and says how to mend it.

Reading and judging are apart: a judge is a pure function of figures. Nothing here moves the arm.
"""
