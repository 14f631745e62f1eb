"""What a run found, as `report.json` and as a page that needs nothing beside itself."""
