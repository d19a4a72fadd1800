"""Every page of a results folder as a PDF, into a folder beside it, printed by the browser that is there.

Run after `swa run sample_recordings -o results`: python examples/pages_as_pdf.py [RESULTS]
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = [
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
]

results = Path(sys.argv[1] if len(sys.argv) > 1 else "results").resolve()
pages = sorted([*results.glob("*.html"), *results.glob("sub-*/*.html")])
browser = next((found for found in map(shutil.which, BROWSERS) if found), None)
if not pages:
    sys.exit(f"{results} has no page. Name a results folder of `swa run`.")
if not browser:
    sys.exit("Neither Chromium, Chrome nor Edge is here. Open the pages in your browser and print them to a file.")
folder = results.with_name(f"{results.name}-pdf")
folder.mkdir(exist_ok=True)
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    options = ["--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # in a container; root has none
    for page in pages:
        pdf = folder / f"{page.stem}.pdf"
        printed = f"--print-to-pdf={pdf}"
        subprocess.run([browser, *options, printed, page.as_uri()], check=True, stderr=subprocess.DEVNULL)
        print(pdf)
