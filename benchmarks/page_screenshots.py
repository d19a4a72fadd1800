"""Pages of a results folder as a reader sees them: pictures at two widths, light and dark, with sizes and times.

    python benchmarks/page_screenshots.py RESULTS FOLDER

writes `index-1280-light.png` and so on into FOLDER, and prints for each page its size, the time that it takes to write
and, from the browser, its height and whether it is wider than the window. Needs chromium.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from swa.report.pages import PageTask, subject_page, write_study_page, write_subject_page
from swa.study.store import read_results

WIDTHS = (1280, 390)
SCHEMES = {"light": 1, "dark": 0}
MEASURE = """<!DOCTYPE html><title>measure</title>
<iframe id="page" style="border:0;width:{width}px;height:1000px" src="{address}"></iframe>
<script>addEventListener("load", () => {{
  const root = document.getElementById("page").contentDocument.documentElement;
  document.body.dataset.found = root.scrollWidth + " " + root.scrollHeight;
}});</script>"""


def browse(browser: str, profile: Path, *options: str) -> str:
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    command += ["--disable-background-networking", "--allow-file-access-from-files", f"--user-data-dir={profile}"]
    return subprocess.run([*command, *options], capture_output=True, text=True, timeout=180, check=True).stdout


def measure(browser: str, page: Path, width: int, folder: Path) -> tuple[int, int]:
    """Width and height that a page takes in a window of a width."""
    wrapper = folder / "measure.html"
    wrapper.write_text(MEASURE.format(width=width, address=page.resolve().as_uri()), encoding="utf-8")
    size = (f"--window-size={width + 40},1000", "--virtual-time-budget=10000")
    found = re.search(r'data-found="(\d+) (\d+)"', browse(browser, folder, *size, "--dump-dom", wrapper.as_uri()))
    return (int(found[1]), int(found[2])) if found else (0, 1000)


def write_again(results_path: Path) -> dict[Path, float]:
    """Write every page again; seconds by page."""
    results = read_results(results_path)
    done = results.nights[results.nights["status"] == "done"].drop_duplicates("subject")
    seconds = {}
    for subject, label in zip(done["subject"], done["subject_label"], strict=True):
        begun = time.perf_counter()
        task = PageTask(results=results_path, subject=str(subject), label=str(label))
        write_subject_page(task)
        path = subject_page(task)
        seconds[path] = time.perf_counter() - begun
    begun = time.perf_counter()
    write_study_page(results)
    path = results.path / "index.html"
    seconds[path] = time.perf_counter() - begun
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("chromium is not on this machine", file=sys.stderr)
        return 2
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print(f"{'page':28} {'kB':>6} {'s':>6}  width of content in a window of {WIDTHS}")
    with tempfile.TemporaryDirectory() as temporary:
        profile = Path(temporary)
        for page, seconds in sorted(write_again(arguments.results).items()):
            found = {width: measure(browser, page, width, profile) for width in WIDTHS}
            fits = ", ".join(f"{content}" for content, _ in found.values())
            print(f"{page.stem:28} {page.stat().st_size / 1024:6.0f} {seconds:6.2f}  {fits}")
            for width, (_, height) in found.items():
                for scheme, code in SCHEMES.items():
                    target = arguments.folder / f"{page.stem}-{width}-{scheme}.png"
                    size = (f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={code}")
                    browse(browser, profile, *size, f"--screenshot={target.resolve()}", page.resolve().as_uri())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
