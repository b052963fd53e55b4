"A real JupyterLab with the review in it, and a page that shows it: for test_review.py, test_correct.py and docs/pictures.py."
import json, os, re, shutil, signal, subprocess, sys, time
from pathlib import Path
import cv2, numpy as np
from playwright.sync_api import TimeoutError as NotShown
from rbc_overlap.core import UNKNOWN, read_mask, to_png, write_file, write_mask
from rbc_overlap.folders import latest_mask
from rbc_overlap.run import Run
from rbc_overlap.smear import simulate, save_labelled

BIN = Path(sys.executable).parent
CHROMIUM = next(filter(None, map(shutil.which, ('chromium','chromium-browser','google-chrome'))), None)
ARGUMENTS = ['--no-sandbox', '--disable-dev-shm-usage']
TRACES = Path(__file__).parent.parent/'_traces'
DOUBT = 'smear_003','large','smear_001' # in the order in which they must be shown

# ---- What is looked at ----------------------------------------------------------------------------------------------

def labelled(folder, n=1000):
    "A labelled folder of `n` images: four small smears and a large one, and links to them"
    smears = [simulate((480,640), 60, seed=i) for i in range(4)]
    names = save_labelled(smears, folder)
    image = cv2.resize(np.tile(smears[0].image, (6,5,1)), (3000,2500))
    mask = cv2.resize(np.tile(smears[0].mask, (6,5)), (3000,2500), interpolation=cv2.INTER_NEAREST)
    mask[:300,:300] = UNKNOWN
    cv2.imwrite(str(folder/'images/large.jpg'), image)
    write_mask(folder/'masks/large_mask.png', mask)
    for i in range(len(names)+1, n):
        os.link(folder/f'images/{names[i%4]}.png', folder/f'images/z{i:04d}.png')
        os.link(folder/f'masks/{names[i%4]}_mask.png', folder/f'masks/z{i:04d}_mask.png')
    rows = [f'{name},{.9-.1*i},12 cells by area and {i} counted,{i<2}' for i,name in enumerate(DOUBT)]
    (folder/'doubt.csv').write_text('image,doubt,reason,flagged\n' + '\n'.join(rows) + '\n')

class Lab:
    "JupyterLab on a labelled folder, as a user starts it; nothing outlives the block, or reaches the user's settings"
    def __init__(self, tmp, fill=labelled):
        self.tmp,self.fill = tmp,fill
        self.folder,self.log = tmp/'slides',tmp/'lab.log'

    def __enter__(self):
        self.tmp.mkdir(exist_ok=True)
        self.fill(self.folder)
        config = self.tmp/'config'
        config.mkdir()
        pages = config/'labconfig/page_config.json'
        pages.parent.mkdir()
        no_node = dict(buildCheck=False, buildAvailable=False) # it takes seconds to start
        pages.write_text(json.dumps(no_node))
        settings = config/'lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings'
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(dict(fetchNews='false', checkForUpdates=False)))
        own = dict(JUPYTER_CONFIG_DIR=config, JUPYTER_DATA_DIR=self.tmp/'.local/share/jupyter',
            JUPYTER_RUNTIME_DIR=self.tmp/'runtime', IPYTHONDIR=self.tmp/'ipython')
        env = os.environ | {k: str(v) for k,v in own.items()}
        env |= dict(PATH=f'{BIN}:{os.environ["PATH"]}', PYTHONUNBUFFERED='1')
        run = dict(cwd=self.folder, env=env, start_new_session=True)
        with self.log.open('w') as log:
            command = 'rbc-overlap','review','.','--allow-root','--no-browser'
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **run)
        self.url = until(self.address, 'an address in the output', 60)[0]
        return self

    def address(self): return re.search(r'http://127\.0\.0\.1:\d+/lab\S*token=\w+', self.log.read_text())

    def __exit__(self, *error):
        os.killpg(self.process.pid, signal.SIGTERM)
        try: self.process.wait(10)
        except subprocess.TimeoutExpired: os.killpg(self.process.pid, signal.SIGKILL)
        for pid in self.kernels(): os.kill(pid, signal.SIGKILL)

    def kernels(self):
        "Process numbers of the kernels"
        mark = str(self.tmp/'runtime').encode()
        commands = {p: _read(p) for p in Path('/proc').glob('[0-9]*/cmdline')}
        return [int(p.parent.name) for p,text in commands.items() if mark in text and b'ipykernel' in text]

    def journal(self): return [json.loads(l) for l in _read(self.folder/'review.jsonl').splitlines()]
    def decisions(self): return [(l['image'], l['decision']) for l in self.journal()]
    def path(self, image): return latest_mask(self.folder, image)
    def mask(self, image): return np.array(read_mask(self.path(image)))

def _read(path):
    try: return path.read_bytes()
    except OSError: return b''

def until(what, name, seconds=60):
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

CORNER = 'e => { const r = e.getBoundingClientRect(); return [r.left+e.clientLeft, r.top+e.clientTop] }'

class Widget:
    "The widget in JupyterLab: its keys and buttons, and what it shows"
    def __init__(self, lab, browser):
        self.lab,self.browser,self.errors = lab,browser,[]
        self.open()

    def open(self, **kw):
        self.page = page = self.browser.new_page(**dict(viewport=dict(width=1280, height=1000)) | kw)
        page.set_default_timeout(90_000)
        page.on('console', lambda m: m.type=='error' and self.errors.append(f'{m.text} {m.location}'))
        page.on('pageerror', lambda e: self.errors.append(str(e)))
        page.on('dialog', lambda d: d.accept())
        page.add_init_script(LISTEN)
        page.goto(self.lab.url)

    def start(self):
        "Run the notebook's cell"
        editor = self.page.locator('.jp-CodeCell .jp-InputArea-editor').first
        self.shown(editor)
        editor.click()
        self.page.get_by_text('| Idle').wait_for()
        self.page.keyboard.press('Shift+Enter')
        self.find()
        self.save()

    def save(self):
        "Save the notebook: what another window shows is what was saved"
        self.page.locator('[data-command="docmanager:save"]').first.click()
        self.page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
        self.focus()

    def find(self):
        self.root = self.page.locator('.rbc-review[data-shown]')
        self.shown(self.root)
        self.root.evaluate('e => e.scrollIntoView()')
        self.focus()
        self.settle()

    def shown(self, what):
        "Wait for `what`; where JupyterLab fails to open it, as it may on a busy computer, load the page again"
        for _ in range(3):
            try: return what.wait_for(timeout=40_000)
            except NotShown:
                TRACES.mkdir(exist_ok=True)
                self.page.screenshot(path=TRACES/f'not_shown_{time.time():.0f}.png')
                self.page.reload()
        what.wait_for()

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

    def corner(self): return self.part('.rbc-stage').evaluate(CORNER)

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

# ---- The cells of results -------------------------------------------------------------------------------------------

def results(folder):
    "Results of two smears that are out of focus, so that clumps are in doubt"
    slide = folder.parent/'images'
    slide.mkdir()
    for seed,name in enumerate('ab'):
        smear = simulate((300,400), n=45, overlap=.5, wbc=0, seed=seed)
        write_file(slide/f'{name}.png', to_png(cv2.GaussianBlur(smear.image, (0,0), 4)))
    Run([slide], folder)()

PLACE = '''(e, [x, y]) => {
  const p = new DOMPoint(x, y).matrixTransform(e.getScreenCTM())
  return [p.x, p.y]
}'''

class Screen(Widget):
    "The view of cells: a place in the image is told with the first pixel from 0 to 1"
    def open(self, **kw): super().open(viewport=dict(width=1280, height=800))

    def screen(self, x, y): return self.part('.rbc-ellipses').evaluate(PLACE, [x, y])
    def image(self, x, y): return x, y

    def lines(self): return [json.loads(line) for line in _read(self.lab.folder/'corrections.jsonl').splitlines()]

    def cells(self, kind=''):
        "{id: (x, y, long)} of the ellipses that are shown"
        found = self.part(f'ellipse{kind}').all()
        names = 'data-cell','cx','cy','rx'
        rows = [[e.get_attribute(name) for name in names] for e in found]
        return {id: (float(x), float(y), float(long)) for id,x,y,long in rows}
