"""The correction of results in headless Chromium, against a real JupyterLab that `rbc-overlap review RESULTS` starts."""
import time
import numpy as np, pandas as pd, pytest
from lab import TRACES, Lab, Screen, results, same, until

@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp('lab'), results) as lab: yield lab

@pytest.fixture(scope='module')
def s(lab, browser):
    screen = Screen(lab, browser)
    screen.start()
    return screen

def test_cells_are_corrected(s):
    "Move, add, split, merge, delete, undo, accept: a line each, and the tables follow"
    own = s.cells('.rbc-mine')
    assert s.text('.rbc-why') in s.part('.rbc-list button').first.inner_text()
    TRACES.mkdir(exist_ok=True)
    s.page.screenshot(path=TRACES/'correct.png')
    first,(x,y,long) = next(iter(own.items()))
    n = len(s.cells())

    s.drag((x,y), (x+3,y), (x+6,y))
    moved, = {*s.cells()}-{*own}&{*s.cells('.rbc-by')}
    assert abs(s.cells()[moved][0]-x-6)<1, s.cells()[moved]
    s.key('s')
    same(len(s.cells()), n+1, 'split')
    s.key('m')
    same(len(s.cells()), n, 'merge')
    s.page.screenshot(path=TRACES/'correct_chosen.png')
    handle = s.part('[data-handle="0"]')
    at = [float(handle.get_attribute(c)) for c in ('cx','cy')]
    (_,(x,y,long)), = s.cells('.rbc-chosen').items()
    s.drag(at, (x+1.1*(at[0]-x), y+1.1*(at[1]-y)))
    (_,(_,_,longer)), = s.cells('.rbc-chosen').items()
    assert abs(longer/long-1.1)<.05, (long, longer)
    s.key('d')
    same(len(s.cells()), n-1, 'delete')
    s.key('n')
    s.drag((x-12,y), (x,y), (x+12,y))
    added, = s.cells('.rbc-chosen').values()
    assert abs(added[2]-12)<1, added
    s.key('u')
    same(len(s.cells()), n-1, 'undo')
    same([line['operation'] for line in s.lines()], 'move split merge move delete add undo'.split())
    before = s.root.get_attribute('data-shown')
    s.key('a')
    same(s.lines()[-1]['operation'], 'accept')
    assert s.root.get_attribute('data-shown')!=before
    s.click('t')
    until(lambda: 'up to date' in s.text('.rbc-saved'), 'tables')
    row = pd.read_csv(s.lab.folder/'images.csv').set_index('corrected_by').dropna(subset='corrected')
    same((len(row), row.flagged_clumps.iloc[0]<10), (1, True))
    same(s.errors, [])

def test_above_the_fold(s):
    "The reason and the buttons that decide are to be seen at 1280 x 800, without scrolling"
    for part in '.rbc-why','[aria-keyshortcuts=a]','[aria-keyshortcuts=n]','.rbc-saved':
        box = s.part(part).first.bounding_box()
        assert box['y']>=0 and box['y']+box['height']<=800, (part, box)

def test_ten_corrections(s):
    "How long the answers to ten corrections take"
    s.key('→')
    seconds = []
    for i in range(10):
        (x,y,_),*_ = s.cells('.rbc-mine').values()
        started = time.time()
        s.drag((x,y), (x+2,y), (x+4*(-1)**i,y))
        seconds.append(time.time()-started)
    print(f'ten corrections: median {np.median(seconds):.2f} s, most {max(seconds):.2f} s')
    same(s.part('.rbc-error').inner_text(), '')
    assert np.median(seconds)<20
