"""The long table of measures → contrasts between nights."""
