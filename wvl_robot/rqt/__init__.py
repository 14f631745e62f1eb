"""The labelling panel: rqt plugin and widgets. The only room that imports Qt; decides nothing."""
