"""One recording through staging and measures: `analyze_night`."""
