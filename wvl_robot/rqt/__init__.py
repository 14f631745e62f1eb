"""The labelling panel: rqt plugin and Qt widgets. The only room that imports Qt; it decides nothing."""
