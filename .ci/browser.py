"""The review widget in headless Chromium, against a real JupyterLab that `rbc-overlap review` starts.
`python .ci/browser.py [NAME...]` runs the checks (or those of a NAME); docs/pictures.py takes pictures."""
import argparse, json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time, traceback
from pathlib import Path
import cv2, numpy as np, shapely
from playwright.sync_api import sync_playwright
from rbc_overlap.core import read_mask, write_mask
from rbc_overlap.smear import simulate, save_labelled

BIN = Path(sys.executable).parent
DOUBT = 'smear_003','large','smear_001' # in the order in which they must be shown

# ---- What is looked at ----------------------------------------------------------------------------------------------

def labelled(folder, n=1000):
    "A labelled folder of `n` images: four small smears and a large one, and links to them"
    smears = [simulate((480,640), 60, seed=i) for i in range(4)]
    names = save_labelled(smears, folder)
    large = cv2.resize(np.tile(smears[0].image, (6,5,1)), (3000,2500)), cv2.resize(np.tile(smears[0].mask, (6,5)), (3000,2500), interpolation=0)
    cv2.imwrite(str(folder/'images/large.jpg'), large[0])
    large[1][:300,:300] = 255
    write_mask(folder/'masks/large_mask.png', large[1])
    for i in range(len(names)+1, n):
        os.link(folder/f'images/{names[i%4]}.png', folder/f'images/z{i:04d}.png')
        os.link(folder/f'masks/{names[i%4]}_mask.png', folder/f'masks/z{i:04d}_mask.png')
    rows = [f'{name},{.9-.1*i},12 cells by area and {i} counted,{i<2}' for i,name in enumerate(DOUBT)]
    (folder/'doubt.csv').write_text('image,doubt,reason,flagged\n' + '\n'.join(rows) + '\n')

class Lab:
    "JupyterLab on a labelled folder, as a user starts it; nothing of it outlives the block, or reaches the user's settings"
    def __init__(self, tmp, fill=labelled): self.tmp,self.folder,self.fill = tmp,tmp/'slides',fill

    def __enter__(self):
        self.fill(self.folder)
        (config := self.tmp/'config').mkdir()
        (config/'jupyter_server_config.json').write_text(json.dumps(dict(ServerApp=dict(allow_root=True))))
        settings = config/'lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings'
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(dict(fetchNews='false', checkForUpdates=False)))
        env = os.environ | dict(PATH=f'{BIN}:{os.environ["PATH"]}', BROWSER='true', PYTHONUNBUFFERED='1', JUPYTER_CONFIG_DIR=str(config),
            JUPYTER_DATA_DIR=str(self.tmp/'data'), JUPYTER_RUNTIME_DIR=str(self.tmp/'runtime'), IPYTHONDIR=str(self.tmp/'ipython'))
        self.log = self.tmp/'lab.log'
        with self.log.open('w') as log:
            self.process = subprocess.Popen(['rbc-overlap', 'review', str(self.folder)], env=env, stdout=log, stderr=log, start_new_session=True)
        self.url = until(lambda: re.search(r'http://127\.0\.0\.1:\d+/lab\S*token=\w+', self.log.read_text()), 'an address in the output', 60)[0]
        return self

    def __exit__(self, *error):
        os.killpg(self.process.pid, signal.SIGTERM)
        try: self.process.wait(10)
        except subprocess.TimeoutExpired: os.killpg(self.process.pid, signal.SIGKILL)
        for pid in self.kernels(): os.kill(pid, signal.SIGKILL)

    def kernels(self):
        "Process numbers of the kernels"
        mark = str(self.tmp/'runtime').encode()
        return [int(p.parent.name) for p in Path('/proc').glob('[0-9]*/cmdline') if mark in (text := _read(p)) and b'ipykernel' in text]

    def journal(self): return [json.loads(l) for l in _read(self.folder/'review.jsonl').splitlines()]
    def decisions(self): return [(l['image'], l['decision']) for l in self.journal()]
    def path(self, image): return max((self.folder/'masks').glob(f'{image}_mask*.png'), key=lambda p: (len(p.name), p.name))
    def mask(self, image): return np.array(read_mask(self.path(image)))

def _read(path):
    try: return path.read_bytes()
    except OSError: return b''

def until(what, name, seconds=20):
    "Wait until `what()` is true, and return it"
    end = time.time()+seconds
    while not (value := what()):
        if time.time()>end: raise TimeoutError(f'no {name} after {seconds} s')
        time.sleep(.02)
    return value

def same(found, wanted, what=''):
    if found!=wanted: raise AssertionError(f'{what}: {found!r}, where {wanted!r} is right')

# ---- The widget in a page -------------------------------------------------------------------------------------------

LISTEN = "addEventListener('keydown', () => { window.pressed = performance.now() }, true)"
WATCH = """window.times = []; window.last = document.querySelector('.rbc-review').dataset.shown
new MutationObserver(() => {
  const {shown} = document.querySelector('.rbc-review').dataset
  if (shown !== last) times.push(performance.now()-pressed)
  last = shown
}).observe(document.querySelector('.rbc-review'), {attributeFilter: ['data-shown']})"""

class Widget:
    "The widget in JupyterLab: its keys and buttons, and what it shows"
    def __init__(self, lab, browser):
        self.lab,self.browser,self.errors = lab,browser,[]
        self.open()

    def open(self, **kw):
        self.page = page = self.browser.new_page(**dict(viewport=dict(width=1280, height=1000)) | kw)
        page.set_default_timeout(20_000)
        page.on('console', lambda m: m.type=='error' and self.errors.append(f'{m.text} {m.location}'))
        page.on('pageerror', lambda e: self.errors.append(str(e)))
        page.on('dialog', lambda d: d.accept())
        page.add_init_script(LISTEN)
        page.goto(self.lab.url)

    def start(self):
        "Run the notebook's cell"
        self.page.locator('.jp-CodeCell .jp-InputArea-editor').first.click()
        self.page.get_by_text('| Idle').wait_for()
        self.page.keyboard.press('Shift+Enter')
        self.find()

    def find(self):
        self.root = self.page.locator('.rbc-review[data-shown]')
        self.root.wait_for()
        self.root.evaluate('e => e.scrollIntoView()')
        self.focus()
        self.settle()

    def focus(self): self.root.evaluate('e => e.focus()')
    def part(self, what): return self.root.locator(what)
    def button(self, key): return self.part(f'[aria-keyshortcuts="{key.replace("⇧", "Shift+")}"]')
    def pressed(self, key): return self.button(key).get_attribute('aria-pressed')=='true'
    def settle(self):
        "Wait until all is answered and drawn"
        self.page.wait_for_function("() => !document.querySelector('.rbc-review').hasAttribute('data-busy')")
        self.page.evaluate('() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')

    def filter(self, name):
        self.part(f'[data-filter={name}]').click()
        self.settle()

    def brush(self, key, kind, size):
        "Take brush or eraser, of a class, of a size"
        self.key(key, kind)
        self.part('.rbc-line input').fill(str(size))
        self.key('Enter')

    def key(self, *keys, wait=True):
        for k in keys:
            self.page.keyboard.press({'←': 'ArrowLeft', '→': 'ArrowRight'}.get(k, k.replace('⇧', 'Shift+')))
            if wait: self.settle()

    def click(self, *keys):
        for k in keys:
            self.button(k).click()
            self.settle()

    def go(self, image):
        "Show `image` of those in doubt, all of it, with the tool for looking"
        if self.name!=image:
            self.filter('all')
            self.part('input[type=number]').first.fill(str(DOUBT.index(image)+1))
            self.key('Enter')
        same(self.name, image, 'after go')
        self.key('l', '0')

    @property
    def name(self): return self.part('b').first.inner_text()
    @property
    def view(self): return json.loads(self.root.get_attribute('data-view'))
    def text(self, what): return self.part(what).inner_text()

    # a place in the image is the middle of the screen pixel that shows it
    def screen(self, x, y):
        "Whole screen coordinates of what is nearest to (x, y) in the image"
        r,(scale,left,top) = self.corner(),self.view
        return round(r[0]+left+x*scale), round(r[1]+top+y*scale)

    def corner(self): return self.part('.rbc-stage').evaluate('e => { const r = e.getBoundingClientRect(); return [r.left+e.clientLeft, r.top+e.clientTop] }')

    def image(self, x, y):
        "Where in the image the screen coordinates (x, y) are"
        r,(scale,left,top) = self.corner(),self.view
        return (x-r[0]-left)/scale, (y-r[1]-top)/scale

    def drag(self, *points, wait=True):
        "Draw with the left button from point to point of the image; where in the image these were"
        places = [self.screen(*p) for p in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for p in places[1:]: self.page.mouse.move(*p)
        self.page.mouse.up()
        if wait: self.settle()
        return [self.image(*p) for p in places]

    def tap(self, *points):
        places = [self.screen(*p) for p in points]
        for p in places: self.page.mouse.click(*p)
        self.settle()
        return [self.image(*p) for p in places]

    def color(self, x, y):
        "RGB on the screen of what is at (x, y) in the image"
        x,y = self.screen(x, y)
        shot = self.page.screenshot(clip=dict(x=x, y=y, width=1, height=1))
        return cv2.imdecode(np.frombuffer(shot, np.uint8), 1)[0,0,::-1].tolist()

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
    if not np.array_equal(found, wanted): raise AssertionError(f'{w.lab.path(image).name}: {(found!=wanted).sum()} pixels are not as painted')

# ---- The checks -----------------------------------------------------------------------------------------------------

def a_cell(w):
    "A place in the middle of a cell of the first image"
    y,x = np.argwhere(cv2.erode((w.lab.mask(DOUBT[0])==1).astype(np.uint8), np.ones((15,15)))>0)[0]
    return x+.5, y+.5

def shows_the_most_doubtful_first(w):
    same(w.name, DOUBT[0])
    same(w.text('.rbc-doubt'), 'Flagged, doubt 0.90 12 cells by area and 0 counted')
    same(w.text('.rbc-counts'), '0 of 1000 decided')
    r,g,b = w.color(*a_cell(w))
    assert r>g+40, f'a cell is shown as {r,g,b}'

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

def buttons_write(w): decides(w, w.click)
def keys_write(w): decides(w, w.key)

def a_double_click_decides_once(w):
    w.go(DOUBT[0])
    before = len(w.lab.journal())
    time.sleep(.3)
    w.button('s').dblclick()
    w.settle()
    same(w.lab.decisions()[before:], [(DOUBT[0],'skip')])
    w.key('u')

def walks(w):
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

def filters(w):
    w.go(DOUBT[1])
    time.sleep(.3)
    w.key('r')
    w.filter('rejected')
    same((w.name, w.text('.rbc-place'), w.text('[data-filter=rejected] small')), (DOUBT[1], 'of 1', '1'))
    for wanted in 'flagged','all','undecided':
        w.key('v')
        same([f for f in ('all','undecided','rejected','flagged') if w.part(f'[data-filter={f}]').get_attribute('aria-pressed')=='true'], [wanted])
    same(w.text('.rbc-place'), 'of 999')
    w.filter('flagged')
    w.key('←', '←', '→', '→', '→')
    same((w.name, w.text('.rbc-place')), (DOUBT[1], 'of 2'))
    w.key('u')

def buttons_and_keys_choose(w):
    "Tools, classes, size, opacity, layers and zoom; and there is no button that no check knows"
    known = {*'arsuy←→', *'lbefop', *'1234', '⇧1', '⇧2', '⇧3', '[', ']', ',', '.', 'h', '-', '+', '0', 'n'}
    same({b.get_attribute('aria-keyshortcuts').replace('Shift+', '⇧') for b in w.part('[aria-keyshortcuts]').all()}, known, 'keys')
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

def layers(w):
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

def brush_arrives(w):
    "Strokes of several widths, and a click, pixel for pixel; two strokes before the first is answered"
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    for size,path in ((12, [(100,80), (160,171), (300,150)]), (1, [(300,300), (331,417)]), (7, [(500,50)]), (30, [(600,440), (639,479)])):
        w.brush('b', '2', size)
        wanted[swept(wanted.shape, w.drag(*path), size)] = 2
        arrived(w, DOUBT[0], wanted)
    w.key('1')
    for path in [w.drag(*path) for path in (np.linspace((200,200), (260,230), 9), np.linspace((260,200), (200,230), 9))]: wanted[swept(wanted.shape, path, 30)] = 1
    arrived(w, DOUBT[0], wanted)
    same(w.lab.decisions()[-1], (DOUBT[0],'paint'))

def eraser_takes_only_its_class(w):
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    for key,c,left in ('2',2,1),('1',1,0),('4',None,0):
        w.brush('e', key, 30)
        where = swept(wanted.shape, w.drag((90,85), (300,150)), 30)
        wanted[where & (wanted==c if c else True)] = left
        arrived(w, DOUBT[0], wanted)

def ellipses_overlap(w):
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

def polygon_adds(w):
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    for corners,close in ([(50,300),(120,310),(100,360),(140,420),(60,400)], 'Enter'), ([(90,290),(150,330),(80,380)], 'double'):
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

def fill_takes_one_area(w):
    w.go(DOUBT[0])
    wanted = w.lab.mask(DOUBT[0])
    w.key('f', '3')
    (x,y), = w.tap((450,260))
    labels = cv2.connectedComponents((wanted==wanted[int(y),int(x)]).astype(np.uint8), connectivity=4)[1]
    wanted[labels==labels[int(y),int(x)]] = 255
    arrived(w, DOUBT[0], wanted)

def undo_and_redo_on_disk(w):
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

def zoomed_in_and_moved(w):
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
        until(lambda: np.allclose(np.subtract(w.view, before), [0,-60,-30]), f'move by {button} button: {w.view} {before}')
    wanted = w.lab.mask(DOUBT[2])
    w.brush('b', '3', 3)
    x,y = w.image(x, y)
    wanted[swept(wanted.shape, w.drag((x,y), (x+13,y+7), (x-20,y+11)), 3)] = 255
    arrived(w, DOUBT[2], wanted)

def large_image_arrives(w):
    "3000 x 2500, painted across all of it"
    w.go('large')
    wanted = w.lab.mask('large')
    w.brush('b', '1', 21)
    wanted[swept_near(wanted.shape, w.drag((20,20), (2900,2400), (2950,100)), 21)] = 1
    arrived(w, 'large', wanted)
    w.key('u')

def swept_near(shape, path, size):
    "As `swept`, for large images: only pixels near the path are looked at"
    near = np.zeros(shape, np.uint8)
    cv2.polylines(near, [np.array(path).round().astype(np.int32)], False, 1, size+6)
    y,x = np.nonzero(near)
    line = shapely.LineString([np.floor(p)+.5 for p in path])
    near[y,x] = shapely.distance(line, shapely.points(x+.5, y+.5)) <= size/2+1e-9
    return near>0

def waits_for_a_busy_kernel(w):
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
        w.part('.rbc-error').get_by_text('No answer from the kernel yet: it is busy, or gone. Not saved: 3 strokes.').wait_for()
    finally:
        for pid in w.lab.kernels(): os.kill(pid, signal.SIGCONT)
    w.settle()
    same((w.text('.rbc-saved'), w.text('.rbc-error')), ('all saved', ''))
    arrived(w, DOUBT[0], wanted)

def someone_else_painted(w):
    "A stroke on a mask that another has changed is refused, in red, and the other's mask is shown; so is a stroke that was already on its way"
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

def narrow_and_sharp(w):
    "A second window, 700 px wide, two screen pixels to each: everything is within it, strokes arrive, and the first window has them"
    w.go(DOUBT[2])
    w.brush('b', '2', 5)
    first = w.page
    w.open(viewport=dict(width=700, height=1000), device_scale_factor=2)
    w.find()
    same(w.part('canvas').first.evaluate('e => e.width/e.parentElement.clientWidth'), 2)
    same(w.root.evaluate("e => [...e.querySelectorAll('button,input')].filter(b => b.getBoundingClientRect().right > e.getBoundingClientRect().right).map(b => b.title)"), [])
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

def note_takes_letters(w):
    w.go(DOUBT[0])
    before = len(w.lab.journal())
    w.key('n')
    w.page.keyboard.type('a rare xbz [1] burr')
    w.key('ArrowLeft', 'Enter')
    lines = w.lab.journal()[before:]
    same([(l['image'], l['decision'], l['note']) for l in lines], [(DOUBT[0],'note','a rare xbz [1] burr')])
    w.key('→', '←')
    same(w.part('input[type=text]').input_value(), 'a rare xbz [1] burr')

def jupyter_keeps_out(w):
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

def a_thousand_images(w):
    "From the key to the next picture on the screen"
    w.go(DOUBT[0])
    w.key('→', '→')
    w.page.evaluate(WATCH)
    for _ in range(30): w.key('→')
    for _ in range(5):
        time.sleep(.3)
        w.key('a')
    w.page.wait_for_function('times.length >= 35')
    times = w.page.evaluate('times')
    print(f'       key to next picture: median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms of {len(times)}')
    assert statistics.median(times)<150
    for _ in range(5): w.key('u')

def reload_keeps_the_state(w):
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

def console_is_silent(w): same(w.errors, [], 'errors in the console')

def killed_kernel_loses_nothing(w):
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

CHECKS = [shows_the_most_doubtful_first, buttons_write, keys_write, a_double_click_decides_once, walks, filters, buttons_and_keys_choose, layers, brush_arrives, eraser_takes_only_its_class,
    ellipses_overlap, polygon_adds, fill_takes_one_area, undo_and_redo_on_disk, zoomed_in_and_moved, large_image_arrives, waits_for_a_busy_kernel,
    someone_else_painted, note_takes_letters, jupyter_keeps_out, a_thousand_images, reload_keeps_the_state, narrow_and_sharp, console_is_silent, killed_kernel_loses_nothing]

def chromium(): return next(filter(None, map(shutil.which, ('chromium','chromium-browser','google-chrome'))), None)

def attempt(check, widget):
    "Run one check; did it pass?"
    started = time.time()
    try: check(widget)
    except Exception as e:
        print(f'FAILED         {check.__name__}: {str(e).splitlines()[0]}', flush=True)
        traceback.print_exc(limit=-2)
        return False
    print(f'ok     {time.time()-started:5.1f} s  {check.__name__}', flush=True)
    return True

def run(only=()):
    "Run the checks; how many (passed, failed)"
    if not chromium():
        print(f'no chromium: {len(CHECKS)} browser checks skipped')
        return 0,0
    checks,passed,started = [c for c in CHECKS if not only or c.__name__ in only],0,time.time()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp, Lab(Path(tmp)) as lab, sync_playwright() as p:
        widget = Widget(lab, p.chromium.launch(executable_path=chromium(), args=['--no-sandbox', '--disable-dev-shm-usage']))
        if attempt(Widget.start, widget): passed = sum([attempt(check, widget) for check in checks])
    print(f'{len(checks)} browser checks in {time.time()-started:.0f} s')
    return passed, len(checks)-passed

if __name__=='__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='*', help='checks; all where none is named')
    args = parser.parse_args()
    sys.exit(run(args.names)[1]>0)
