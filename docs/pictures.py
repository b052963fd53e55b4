"""Pictures for the documentation, of simulated slides, in headless Chromium: the report of a run, and in a real JupyterLab
the review and the correction of a clump.
usage: python docs/pictures.py [report] [review] [correct]   (writes into nbs/images; no name: all)"""
import json, sys
from pathlib import Path
from tempfile import TemporaryDirectory
import cv2, numpy as np
from playwright.sync_api import sync_playwright
from rbc_overlap.core import read_coco
from rbc_overlap.masks import label_images
from rbc_overlap.run import Run
from rbc_overlap.segment import shipped_model
from rbc_overlap.smear import save_labelled, simulate

SHAPE = 480,640
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT/'.ci'))
from lab import ARGUMENTS, CHROMIUM, Lab, Screen, Widget, results

def slides(folder):
    "A labelled folder as `rbc-overlap masks --model` makes it"
    made = folder.parent/'simulated'
    save_labelled([simulate(SHAPE, n=62, overlap=.3, stain='pink', seed=s) for s in range(40, 48)], made)
    label_images([made/'images'], folder, model=shipped_model())

def clump(made, name, shape):
    "The cells of a clump of three in the middle part of image `name`"
    cells = next(c for file,(c,_) in read_coco(json.loads((made/'cells.coco.json').read_text())).items() if Path(file).stem==name)
    groups = [[c for c in cells if c.clump==k] for k in {c.clump for c in cells if c.n_in_clump==3}]
    middle = lambda g: np.mean([(c.x+c.mask.shape[1]/2, c.y+c.mask.shape[0]/2) for c in g], 0)
    return min(groups, key=lambda g: np.abs(middle(g)/shape[::-1]-.5).max()), middle

def axes(cell):
    "Ends of the long axis of a cell, and a point on its side"
    (x,y),(short,long),tilt = cv2.fitEllipse(max(cv2.findContours(cell.mask.astype(np.uint8), 0, 1, offset=(cell.x, cell.y))[0], key=len))
    along = np.array([-np.sin(np.radians(tilt)), np.cos(np.radians(tilt))])
    return (x,y)-along*long/2, (x,y)+along*long/2, (x,y)+along[::-1]*[-1,1]*short/2

def pictures(w, made, folder):
    "The first image in the order of doubt; then its clump of three, of which two cells have been drawn"
    snap = lambda name: w.page.screenshot(path=folder/f'review_{name}.png')
    snap('start')
    cells,middle = clump(made, w.name, np.array(SHAPE))
    w.page.mouse.move(*w.screen(*middle(cells)))
    for _ in range(2): w.page.mouse.wheel(0, -200)
    w.key('f', '4')
    w.tap(middle(cells[:1]))
    w.key('o')
    for i,(a,b,side) in enumerate(map(axes, cells)):
        w.drag(a, b)
        w.page.mouse.move(*w.screen(*side))
        if i<2: w.tap(side)
    snap('ellipse')

def report_pictures(folder, browser):
    "The first screen of a report, and its clumps in doubt"
    with TemporaryDirectory() as tmp:
        smears = [simulate((640,640), n=110, overlap=.25, seed=s) for s in range(3)]
        smears += [simulate((640,640), n=185, overlap=.9, touching=.1, blur=3, seed=0)]
        save_labelled(smears, Path(tmp)/'slide')
        report = Run([Path(tmp)/'slide'/'images'], Path(tmp)/'results', pixel_size=.19)()
        page = browser.new_page(viewport=dict(width=1180, height=310))
        page.goto(Path(report).resolve().as_uri())
        page.screenshot(path=folder/'report.png')
        page.set_viewport_size(dict(width=420, height=800))
        page.locator('section:has(#clumps)').last.screenshot(path=folder/'report_clumps.png')

def shown(w):
    "The view in its page"
    w.page.set_viewport_size(dict(width=1180, height=900))
    w.start()
    return w

def review_pictures(folder, browser):
    with TemporaryDirectory(ignore_cleanup_errors=True) as tmp, Lab(Path(tmp), slides) as lab:
        pictures(shown(Widget(lab, browser)), lab.tmp/'simulated', folder)

def correct_pictures(folder, browser):
    "A clump in doubt, whose first cell is chosen"
    with TemporaryDirectory(ignore_cleanup_errors=True) as tmp, Lab(Path(tmp), results) as lab:
        s = shown(Screen(lab, browser))
        x,y,_ = next(iter(s.cells('.rbc-mine').values()))
        s.tap((x-3,y-3))
        s.page.screenshot(path=folder/'correct_clump.png')

PICTURES = dict(report=report_pictures, review=review_pictures, correct=correct_pictures)

def main(names):
    folder = ROOT/'nbs'/'images'
    folder.mkdir(exist_ok=True)
    with sync_playwright() as p:
        for name in names or PICTURES: PICTURES[name](folder, p.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS))

if __name__=='__main__': main(sys.argv[1:])
