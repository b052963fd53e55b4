"""The review widget in headless Chromium, against a real JupyterLab that `rbc-overlap review` starts.
One check by its name: `pytest .ci/test_review.py -k polygon`. Of one that fails, a trace is left in _traces/."""
import json, os, signal, statistics, subprocess, time, urllib.request
from contextlib import suppress
from pathlib import Path
import cv2, numpy as np, pytest, shapely
from playwright.sync_api import Error
from rbc_overlap.core import write_mask
from rbc_overlap.smear import save_labelled, simulate
from lab import BIN, DOUBT, TRACES, Lab, Widget, same, until

@pytest.fixture(scope='module')
def widget(browser, tmp_path_factory):
    "The review of a thousand images, in one page that all checks share"
    with Lab(tmp_path_factory.mktemp('lab')) as lab:
        widget = Widget(lab, browser)
        widget.start()
        yield widget

@pytest.fixture
def w(widget, request, pytestconfig):
    "The widget, with a trace of what the check does"
    keep = pytestconfig.getoption('--tracing')
    if keep=='off':
        yield widget
        return
    tracing = widget.page.context.tracing
    tracing.start(screenshots=True, snapshots=True)
    yield widget
    failed = request.node.rep_call.failed
    path = Path(pytestconfig.getoption('--output'))/f'{request.node.name}.zip' if failed or keep=='on' else None
    with suppress(Error): tracing.stop(path=path) # a check may have closed the page

# ---- What a mask must be, by other means than the widget's ----------------------------------------------------------

def centres(shape): return np.meshgrid(np.arange(shape[1])+.5, np.arange(shape[0])+.5)

def swept(shape, path, size):
    "Pixels of a brush of `size` that follows `path`"
    path = [(np.floor(p)+.5 if size%2 else np.floor(np.array(p)+.5)) for p in path]
    line = shapely.LineString(path) if len(path)>1 else shapely.Point(path[0])
    return shapely.distance(line, shapely.points(*centres(shape))) <= size/2+1e-9

def inside_ellipse(shape, a, b, side):
    "Pixels of the ellipse with the long axis from `a` to `b` whose side is as far from it as `side`"
    a,b,side = map(np.array, (a, b, side))
    along = (b-a)/np.linalg.norm(b-a)
    across = np.array([-along[1], along[0]])
    q = np.outer(along, along)/(np.linalg.norm(b-a)/2)**2 + np.outer(across, across)/((side-a)@across)**2
    d = np.stack(centres(shape), -1) - (a+b)/2
    return np.einsum('yxi,ij,yxj->yx', d, q, d) <= 1

def add_cell(mask, where): return np.where(where, np.choose(np.minimum(mask, 3), [1,2,2,1]), mask)

def arrived(w, image, wanted):
    found = w.lab.mask(image)
    wrong = (found!=wanted).sum()
    assert not wrong, f'{w.lab.path(image).name}: {wrong} pixels are not as painted'

# ---- The checks -----------------------------------------------------------------------------------------------------

def a_cell(w):
    "A place in the middle of a cell of the first image"
    y,x = np.argwhere(cv2.erode((w.lab.mask(DOUBT[0])==1).astype(np.uint8), np.ones((15,15)))>0)[0]
    return x+.5, y+.5

def test_shows_the_most_doubtful_first(w):
    same(w.name, DOUBT[0])
    same(w.text('.rbc-doubt'), 'Flagged, doubt 0.90 12 cells by area and 0 counted')
    same(w.text('.rbc-counts'), '0 of 1000 decided')
    r,g,b = w.color(*a_cell(w))
    assert r>g+40, f'a cell is shown as {r,g,b}'

def test_above_the_fold(w):
    "Reason, accept and reject are to be seen at 1280 x 800, where the review is scrolled to"
    w.go(DOUBT[0])
    w.page.set_viewport_size(dict(width=1280, height=800))
    w.root.evaluate('e => e.scrollIntoView()')
    w.settle()
    w.page.screenshot(path=TRACES/'review_800.png')
    for part in '.rbc-doubt','[aria-keyshortcuts=a]','[aria-keyshortcuts=r]','[aria-keyshortcuts=u]':
        box = w.part(part).bounding_box()
        assert box['y']>=0 and box['y']+box['height']<=800, (part, box)
    whole = w.part('.rbc-doubt').evaluate('e => e.scrollWidth<=e.clientWidth && e.scrollHeight<=e.clientHeight')
    assert whole, 'the reason is cut off'
    w.page.set_viewport_size(dict(width=1280, height=1000))
    w.root.evaluate('e => e.scrollIntoView()')
    w.settle()

def decides(w, act):
    "What the buttons or keys that write add to the journal, and what they show next"
    w.go(DOUBT[0])
    for key,decision in zip('ars', ('accept','reject','skip')):
        now,before = w.name,len(w.lab.journal())
        time.sleep(.3)
        act(key)
        same(w.lab.decisions()[before:], [(now,decision)], key)
        same(w.text('.rbc-counts').split(' · ')[0], '1 of 1000 decided')
        assert w.name!=now, f'{now} is still shown'
        act('u')
        same(w.lab.decisions()[before:], [(now,decision),(now,'undo')], 'u')
        same((w.name, w.text('[data-decision]')), (now,'undecided'), 'after u')
        act('→')

def test_buttons_write(w): decides(w, w.click)

def test_keys_write(w): decides(w, w.key)

def test_a_double_click_decides_once(w):
    w.go(DOUBT[0])
    before = len(w.lab.journal())
    time.sleep(.3)
    w.button('s').dblclick()
    w.settle()
    same(w.lab.decisions()[before:], [(DOUBT[0],'skip')])
    w.key('u')

def test_walks(w):
    for act in w.click,w.key:
        w.go(DOUBT[0])
        act('→')
        same(w.name, DOUBT[1])
        act('→', '←')
        same(w.name, DOUBT[1])
    w.key('g')
    w.page.keyboard.type('1000')
    w.key('Enter')
    same(w.name, 'z0999')

def test_filters(w):
    w.go(DOUBT[1])
    time.sleep(.3)
    w.key('r')
    w.filter('rejected')
    same((w.name, w.text('.rbc-place'), w.text('[data-filter=rejected] small')), (DOUBT[1], 'of 1', '1'))
    for wanted in 'flagged','all','undecided':
        w.key('v')
        pressed = [b.get_attribute('data-filter') for b in w.part('[data-filter][aria-pressed=true]').all()]
        same(pressed, [wanted])
    same(w.text('.rbc-place'), 'of 999')
    w.filter('flagged')
    w.key('←', '←', '→', '→', '→')
    same((w.name, w.text('.rbc-place')), (DOUBT[1], 'of 2'))
    w.key('u')

def test_buttons_and_keys_choose(w):
    "Tools, classes, size, opacity, layers and zoom; and there is no button that no check knows"
    known = {*'arsuy←→', *'lbefop', *'1234', '⇧1', '⇧2', '⇧3', '[', ']', ',', '.', 'h', '-', '+', '0', 'n'}
    shortcuts = [b.get_attribute('aria-keyshortcuts') for b in w.part('[aria-keyshortcuts]').all()]
    same({s.replace('Shift+', '⇧') for s in shortcuts}, known, 'keys')
    size,zoom = lambda: int(w.part('.rbc-line input').input_value()), lambda: w.view[0]
    opacity = lambda: int(w.part('input[type=range]').input_value())
    for act in w.click,w.key:
        w.go(DOUBT[0])
        fitted = w.view
        for group in 'befopl','2341':
            for k in group:
                act(k)
                same([b for b in group if w.pressed(b)], [k], 'pressed')
        for k in '⇧1','⇧2','⇧3','h':
            for on in False,True:
                act(k)
                same(w.pressed(k), on, k)
        for value,less,more in (size,'[',']'),(zoom,'-','+'),(opacity,',','.'):
            before = value()
            act(more)
            assert value()>before, more
            act(less)
            same(round(value(), 9), round(before, 9), less)
        act('+', '+', '0')
        same(w.view, fitted, '0')

def test_layers(w):
    "What is hidden is not drawn, and the background never is"
    w.go(DOUBT[0])
    x,y = a_cell(w)
    shown = w.color(x, y)
    w.key('h')
    bare = w.color(x, y)
    w.key('h', '⇧1')
    same(w.color(x, y), bare, 'without rbc')
    w.key('⇧1', '⇧2')
    same(w.color(x, y), shown, 'without overlap')
    w.key('⇧2', '.', '.')
    more = w.color(x, y)
    w.key(',', ',')
    same(np.argsort([bare[1], shown[1], more[1]]).tolist(), [2,1,0], 'opacity')

def test_brush_arrives(w):
    "Strokes of several widths, and a click, pixel for pixel; two strokes before the first is answered"
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    strokes = {12: [(100,80),(160,171),(300,150)], 1: [(300,300),(331,417)], 7: [(500,50)], 30: [(600,440),(639,479)]}
    for size,path in strokes.items():
        w.brush('b', '2', size)
        wanted[swept(wanted.shape, w.drag(*path), size)] = 2
        arrived(w, DOUBT[0], wanted)
    w.key('1')
    crossing = np.linspace((200,200), (260,230), 9), np.linspace((260,200), (200,230), 9)
    drawn = [w.drag(*path) for path in crossing]
    for path in drawn: wanted[swept(wanted.shape, path, 30)] = 1
    arrived(w, DOUBT[0], wanted)
    same(w.lab.decisions()[-1], (DOUBT[0],'paint'))

def test_eraser_takes_only_its_class(w):
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    for key,c,left in ('2',2,1),('1',1,0),('4',None,0):
        w.brush('e', key, 30)
        where = swept(wanted.shape, w.drag((90,85), (300,150)), 30)
        wanted[where & (wanted==c if c else True)] = left
        arrived(w, DOUBT[0], wanted)

def test_ellipses_overlap(w):
    "Two cells that cross give the overlap by themselves"
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    w.brush('b', '4', 200)
    wanted[swept(wanted.shape, w.drag((450,250)), 200)] = 0
    w.key('o')
    for a,b,side in ((400,250),(470,270),(430,290)), ((440,230),(500,280),(450,265)):
        a,b = w.drag(a, b)
        w.page.mouse.move(*w.screen(*side))
        side, = w.tap(side)
        wanted = add_cell(wanted, inside_ellipse(wanted.shape, a, b, side))
        arrived(w, DOUBT[0], wanted)
    assert (wanted[200:300,400:500]==2).sum()>100
    w.drag((400,250), (470,270))
    w.key('Escape')
    w.tap((430,300))
    w.key('Escape')
    arrived(w, DOUBT[0], wanted)

def test_polygon_adds(w):
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    five,three = [(50,300),(120,310),(100,360),(140,420),(60,400)],[(90,290),(150,330),(80,380)]
    for corners,close in (five,'Enter'),(three,'double'):
        w.key('p')
        places = w.tap(*corners)
        if close=='double': w.page.mouse.dblclick(*w.screen(*corners[-1]))
        else: w.key('Enter')
        w.settle()
        inside = shapely.contains_xy(shapely.Polygon(places), *centres(wanted.shape))
        wanted = add_cell(wanted, inside)
        arrived(w, DOUBT[0], wanted)
    w.tap((300,300), (400,300), (400,400))
    w.key('Backspace', 'Enter', 'Escape')
    arrived(w, DOUBT[0], wanted)

def test_fill_takes_one_area(w):
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    w.key('f', '3')
    (x,y), = w.tap((450,260))
    labels = cv2.connectedComponents((wanted==wanted[int(y),int(x)]).astype(np.uint8), connectivity=4)[1]
    wanted[labels==labels[int(y),int(x)]] = 255
    arrived(w, DOUBT[0], wanted)

def test_undo_and_redo_on_disk(w):
    w.go(DOUBT[2])
    masks,start = [w.lab.mask(DOUBT[2])],w.lab.path(DOUBT[2]).read_bytes()
    x,y = 300,210
    shown = [w.color(x, y)]
    w.brush('b', '2', 12)
    for y in 100,200,300:
        w.drag((100,y), (500,y+20))
        masks.append(w.lab.mask(DOUBT[2]))
    assert all((a!=b).any() for a,b in zip(masks, masks[1:]))
    y = 210
    shown.append(w.color(x, y))
    for act,wanted in (('u',masks[2]), ('u',masks[1]), ('y',masks[2]), ('Control+z',masks[1]), ('u',masks[0])):
        w.key(act)
        arrived(w, DOUBT[2], wanted)
        same(w.color(x, y), shown[int(wanted[y,x]==2)], f'colour after {act}')
    same(w.lab.path(DOUBT[2]).read_bytes(), start, 'the bytes after all is undone')
    w.key('Control+Shift+z', 'y', 'y')
    arrived(w, DOUBT[2], masks[3])
    w.page.mouse.move(*w.screen(100, 400))
    w.page.mouse.down()
    w.page.mouse.move(*w.screen(300, 400))
    w.key('Escape')
    w.page.mouse.up()
    w.settle()
    arrived(w, DOUBT[2], masks[3])

def test_zoomed_in_and_moved(w):
    "Wheel, middle button and space; what is painted then arrives where it was painted"
    w.go(DOUBT[2])
    x,y = w.screen(400, 100)
    w.page.mouse.move(x, y)
    before = w.image(x, y)
    for _ in range(4): w.page.mouse.wheel(0, -300)
    until(lambda: w.view[0]>5, 'zoom by the wheel')
    assert np.abs(np.subtract(w.image(x, y), before)).max()<.01, 'the wheel zooms to the pointer'
    for button,space in ('middle',False),('left',True):
        before = w.view
        w.key('b')
        if space: w.page.keyboard.down(' ')
        w.page.mouse.down(button=button)
        w.page.mouse.move(x-60, y-30)
        w.page.mouse.up(button=button)
        if space: w.page.keyboard.up(' ')
        w.page.mouse.move(x, y)
        moved = lambda: np.allclose(np.subtract(w.view, before), [0,-60,-30])
        until(moved, f'move by {button} button: {w.view} {before}')
    wanted = w.lab.mask(DOUBT[2])
    w.brush('b', '3', 3)
    x,y = w.image(x, y)
    wanted[swept(wanted.shape, w.drag((x,y), (x+13,y+7), (x-20,y+11)), 3)] = 255
    arrived(w, DOUBT[2], wanted)

def swept_near(shape, path, size):
    "As `swept`, for large images: only pixels near the path are looked at"
    near = np.zeros(shape, np.uint8)
    cv2.polylines(near, [np.array(path).round().astype(np.int32)], False, 1, size+6)
    y,x = np.nonzero(near)
    line = shapely.LineString([np.floor(p)+.5 for p in path])
    near[y,x] = shapely.distance(line, shapely.points(x+.5, y+.5)) <= size/2+1e-9
    return near>0

def test_large_image_arrives(w):
    "3000 x 2500, painted across all of it"
    w.go('large')
    wanted = w.lab.mask('large')
    w.brush('b', '1', 21)
    wanted[swept_near(wanted.shape, w.drag((20,20), (2900,2400), (2950,100)), 21)] = 1
    arrived(w, 'large', wanted)
    w.key('u')

def test_waits_for_a_busy_kernel(w):
    "Strokes that the kernel can't take yet are marked as not saved, and arrive in order"
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    w.brush('b', '2', 9)
    for pid in w.lab.kernels(): os.kill(pid, signal.SIGSTOP)
    try:
        for y,key,c in (40,'2',2),(46,'1',1),(43,'3',255):
            w.key(key, wait=False)
            wanted[swept(wanted.shape, w.drag((40,y), (200,y+9), wait=False), 9)] = c
        same(w.text('.rbc-saved'), 'saving …')
        told = 'No answer from the kernel yet: it is busy, or gone. Not saved: 3 strokes.'
        w.part('.rbc-error').get_by_text(told).wait_for()
    finally:
        for pid in w.lab.kernels(): os.kill(pid, signal.SIGCONT)
    w.settle()
    same((w.text('.rbc-saved'), w.text('.rbc-error')), ('all saved', ''))
    arrived(w, DOUBT[0], wanted)

def test_someone_else_painted(w):
    "A stroke on a mask that another has changed is refused, in red, also one on its way; the other's mask is shown"
    w.go(DOUBT[0])
    other = np.minimum(w.lab.mask(DOUBT[0]), 1)
    write_mask(w.lab.folder/f'masks/{DOUBT[0]}_mask.v9.png', other)
    w.brush('b', '2', 9)
    for pid in w.lab.kernels(): os.kill(pid, signal.SIGSTOP)
    for y in 40,46: w.drag((40,y), (200,y), wait=False)
    for pid in w.lab.kernels(): os.kill(pid, signal.SIGCONT)
    w.settle()
    arrived(w, DOUBT[0], other)
    assert 'changed since it was shown' in w.text('.rbc-error'), w.text('.rbc-error')
    other[swept(other.shape, w.drag((40,50), (200,60)), 9)] = 2
    arrived(w, DOUBT[0], other)
    same(w.text('.rbc-error'), '')

def test_note_takes_letters(w):
    w.go(DOUBT[0])
    before = len(w.lab.journal())
    w.key('n')
    w.page.keyboard.type('a rare xbz [1] burr')
    w.key('ArrowLeft', 'Enter')
    lines = w.lab.journal()[before:]
    same([(l['image'], l['decision'], l['note']) for l in lines], [(DOUBT[0],'note','a rare xbz [1] burr')])
    w.key('→', '←')
    same(w.part('input[type=text]').input_value(), 'a rare xbz [1] burr')

def test_jupyter_keeps_out(w):
    "JupyterLab's command mode has keys of its own: none of them reaches it"
    cells = w.page.locator('.jp-Notebook .jp-Cell')
    n,name = cells.count(),w.name
    w.key(*'xdbzcvmk', 'd', 'd', 'Shift+M', 'b', 'Escape')
    same(cells.count(), n, 'cells')
    w.go(name)
    w.page.locator('.jp-CodeCell .jp-InputArea-editor').first.click()
    before = len(w.lab.journal())
    w.page.keyboard.press('Escape')
    w.page.keyboard.press('s')
    time.sleep(.2)
    same(len(w.lab.journal()), before, 'keys outside of the widget')
    w.part('.rbc-stage').click()
    same(w.page.evaluate("document.activeElement.closest('.rbc-review') != null"), True, 'focus after a click')

WATCH = """window.times = []; window.last = document.querySelector('.rbc-review').dataset.shown
new MutationObserver(() => {
  const {shown} = document.querySelector('.rbc-review').dataset
  if (shown !== last) times.push(performance.now()-pressed)
  last = shown
}).observe(document.querySelector('.rbc-review'), {attributeFilter: ['data-shown']})"""

def test_a_thousand_images(w):
    "All of 35 pictures are shown; prints the time from the key to the picture (pytest -rP shows it)"
    w.go(DOUBT[0])
    w.key('→', '→')
    w.page.evaluate(WATCH)
    for _ in range(30): w.key('→')
    for _ in range(5):
        time.sleep(.3)
        w.key('a')
    w.page.wait_for_function('times.length >= 35')
    times = w.page.evaluate('times')
    print(f'key to next picture: median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms of {len(times)}')
    same(len(times), 35)
    for _ in range(5): w.key('u')

def test_reload_keeps_the_state(w):
    w.go(DOUBT[2])
    wanted = w.lab.mask(DOUBT[2])
    w.brush('b', '1', 3)
    wanted[swept(wanted.shape, w.drag((50,450), (300,430)), 3)] = 1
    w.page.keyboard.press('Control+s')
    w.page.get_by_text('Saving completed').wait_for()
    w.page.reload()
    w.find()
    same(w.name, DOUBT[2], 'after the reload')
    w.brush('b', '2', 5)
    wanted[swept(wanted.shape, w.drag((50,470), (300,450)), 5)] = 2
    arrived(w, DOUBT[2], wanted)
    w.key('u')

OUTSIDE = """e => [...e.querySelectorAll('button,input')]
  .filter(b => b.getBoundingClientRect().right > e.getBoundingClientRect().right).map(b => b.title)"""

def test_narrow_and_sharp(w):
    "A second window, 700 px wide, two screen pixels to each: all is within it, strokes arrive, the first one has them"
    w.go(DOUBT[2])
    w.brush('b', '2', 5)
    first = w.page
    w.open(viewport=dict(width=700, height=1000), device_scale_factor=2)
    w.find()
    same(w.part('canvas').first.evaluate('e => e.width/e.parentElement.clientWidth'), 2)
    same(w.root.evaluate(OUTSIDE), [], 'outside of the widget')
    w.go(DOUBT[2])
    wanted = w.lab.mask(DOUBT[2])
    w.brush('b', '2', 6)
    wanted[swept(wanted.shape, w.drag((500,440), (600,460)), 6)] = 2
    arrived(w, DOUBT[2], wanted)
    w.page.close()
    w.page = first
    w.find()
    wanted[swept(wanted.shape, w.drag((620,430), (550,460)), 5)] = 2
    arrived(w, DOUBT[2], wanted)

def test_console_is_silent(w): same(w.errors, [], 'errors in the console')

def test_killed_kernel_loses_nothing(w):
    "SIGKILL when a stroke is answered, and torn last lines: the stroke is there after the restart, and can be undone"
    w.go(DOUBT[2])
    before = w.lab.mask(DOUBT[2])
    w.brush('b', '2', 12)
    wanted = before.copy()
    wanted[swept(wanted.shape, w.drag((320,20), (620,60)), 12)] = 2
    for pid in (old := w.lab.kernels()): os.kill(pid, signal.SIGKILL)
    arrived(w, DOUBT[2], wanted)
    for torn in 'review.jsonl',f'masks/{DOUBT[2]}_mask.strokes.jsonl':
        with (w.lab.folder/torn).open('a') as f: f.write('{"time": "2026-')
    until(lambda: w.lab.kernels() and w.lab.kernels()!=old, 'new kernel')
    w.page.close()
    w.open()
    w.start()
    w.go(DOUBT[2])
    w.key('u')
    arrived(w, DOUBT[2], before)

# ---- A folder from a stranger ---------------------------------------------------------------------------------------

# leaves a mark, then lets the right module take its place, as one would who wants to stay unseen
TRAP = """import os, runpy, sys
os.close(os.open({mark!r}, os.O_CREAT))
if (name := {module!r}):
    sys.path = [p for p in sys.path if os.path.abspath(p)!={folder!r}]
    if __name__=='__main__': runpy.run_module(name, run_name='__main__', alter_sys=True)
    else:
        del sys.modules[name]
        __import__(name)
"""

MODULES = ('tornado','anywidget','ipywidgets','jupyterlab','jupyter_server','IPython','ipykernel','ipykernel_launcher',
    'traitlets','zmq','comm','cv2','json','multiprocessing','webbrowser','sitecustomize','usercustomize')

CONFIGURATIONS = [f'{folder}{name}_config.py' for folder in ('','.jupyter/','etc/jupyter/','profile_default/','.ipython/profile_default/')
    for name in ('jupyter','jupyter_server','jupyter_lab','jupyter_notebook','ipython','ipython_kernel')]
STARTUPS = [f'{folder}profile_default/startup/00.py' for folder in ('','.ipython/')]

JAVASCRIPT = '<img src=x onerror=hacked=1>'

def notebook(code):
    "A notebook that runs JavaScript when it is opened, and `code` with its first cell"
    output = dict(output_type='display_data', metadata={}, data={'text/html': JAVASCRIPT, 'application/javascript': 'hacked=1'})
    cell = dict(cell_type='code', id='a', metadata=dict(trusted=True), execution_count=1, source=code, outputs=[output])
    return json.dumps(dict(cells=[cell], metadata={}, nbformat=4, nbformat_minor=5))

def hostile(folder):
    "A labelled folder in which everything that may be taken for code leaves a mark in the folder `ran`"
    ran = folder.parent/'ran'
    ran.mkdir()
    def set_trap(path, module=''):
        mark = str(ran/path.replace('/', '_'))
        (folder/path).parent.mkdir(parents=True, exist_ok=True)
        (folder/path).write_text(TRAP.format(mark=mark, module=module, folder=str(folder)))
        return mark

    save_labelled([simulate((240,320), 20, seed=i) for i in range(3)], folder, names=['a', JAVASCRIPT, "b'"])
    for module in MODULES: set_trap(f'{module}.py', '' if 'customize' in module else module)
    for path in [*CONFIGURATIONS, *STARTUPS]: set_trap(path)
    set_trap('numpy/__init__.py', 'numpy')
    set_trap('evil.py')
    extension = json.dumps(dict(ServerApp=dict(jpserver_extensions=dict(evil=True))))
    for place in '','.jupyter/','etc/jupyter/': (folder/f'{place}jupyter_server_config.json').write_text(extension)
    for place in 'share/jupyter/kernels','kernels','.local/share/jupyter/kernels':
        kernel = dict(argv=['touch', str(ran/'kernel')], display_name='Python 3', language='python')
        (folder/place/'python3').mkdir(parents=True)
        (folder/place/'python3/kernel.json').write_text(json.dumps(kernel))
    for name in 'review','Untitled': (folder/f'{name}.ipynb').write_text(notebook(f'open({str(ran/name)!r}, "w")'))
    (folder/'doubt.csv').write_text(f'image,doubt,reason,flagged\n{JAVASCRIPT},.9,{JAVASCRIPT},True\na,.5,{JAVASCRIPT},1\n')
    note = dict(image=JAVASCRIPT, decision='note', sha256='', who=JAVASCRIPT, note=JAVASCRIPT)
    (folder/'review.jsonl').write_text(json.dumps(note)+'\n')

def test_hostile_folder_runs_nothing(browser, tmp_path):
    "The review of a stranger's folder, started within it: no code of the folder runs, on disk or in the page"
    with Lab(tmp_path, hostile) as lab:
        w = Widget(lab, browser)
        w.start()
        same((w.name, JAVASCRIPT in w.text('.rbc-doubt')), (JAVASCRIPT, True))
        same(w.part('input[type=text]').input_value(), JAVASCRIPT)
        w.key('a')
        same((lab.decisions()[1:], w.name), ([(JAVASCRIPT,'accept')], 'a'))
        same(w.page.evaluate('typeof hacked'), 'undefined', 'JavaScript')
        token = lab.url.rpartition('=')[2]
        contents = lab.url.split('/lab')[0]+f'/api/contents?token={token}'
        with urllib.request.urlopen(contents) as reply: served = json.load(reply)['content']
        same([entry['name'] for entry in served], ['review.ipynb'], 'what the server shows')
        w.page.close()
    same(sorted(path.name for path in (tmp_path/'ran').iterdir()), [], 'what has run')

COMMANDS = 'segment . --engine classic','masks images','evaluate . .','simulate --n 1'

@pytest.mark.parametrize('command', COMMANDS)
def test_hostile_commands_run_nothing(command, tmp_path):
    "The other commands, started within a stranger's folder"
    hostile(tmp_path/'slides')
    run = dict(cwd=tmp_path/'slides', text=True, capture_output=True)
    done = subprocess.run([BIN/'rbc-overlap', *command.split(), '--out', tmp_path/'out'], **run)
    same(done.returncode, 0, done.stderr)
    same(sorted(path.name for path in (tmp_path/'ran').iterdir()), [], 'what has run')
