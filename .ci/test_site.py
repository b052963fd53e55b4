"""The documentation site, as `make docs` leaves it: every link, and every page in a real browser at a desktop's and a
phone's width, light and dark."""
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit
import pytest

ROOT = Path(__file__).parent.parent
SITE = ROOT/'_docs'/'html'
REPO = 'https://github.com/rbc-overlap/rbc_overlap/blob/main/'

class Page(HTMLParser):
    "Ids and links of a page"
    def __init__(self, path):
        super().__init__()
        self.ids,self.links = set(),set()
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if 'id' in a: self.ids.add(a['id'])
        for k in ('href','src'):
            if a.get(k): self.links.add(a[k])

def dead_source(link):
    "What is wrong with a link to a file of the repository"
    path,_,line = unquote(link.removeprefix(REPO)).partition('#L')
    if not (ROOT/path).exists(): return 'no such file in the repository'
    if line and int(line)>len((ROOT/path).read_text().splitlines()): return f'{path} has no line {line}'

def dead(page, link, pages):
    "What is wrong with `link` on `page`; None where nothing is"
    if link.startswith(REPO): return dead_source(link)
    parts = urlsplit(link)
    if parts.scheme or parts.netloc: return None
    to = (page.parent/unquote(parts.path)).resolve() if parts.path else page
    if not to.exists(): return 'no such file'
    known = not parts.fragment or to not in pages or unquote(parts.fragment) in pages[to].ids
    if not known: return 'no such place on the page'

def test_links_lead_somewhere():
    pages = {p: Page(p) for p in SITE.resolve().rglob('*.html')}
    assert pages, f'{SITE} is empty: make docs'
    links = [(p, link) for p,page in pages.items() for link in sorted(page.links)]
    wrong = [f'{p.name}: {link}: {why}' for p,link in links if (why := dead(p, link, pages))]
    far = {link for _,link in links if urlsplit(link).scheme in ('http','https') and not link.startswith(REPO)}
    print(f'{len(pages)} pages, {len(links)} links; {len(far)} to other sites, which were not followed')
    assert not wrong

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@pytest.fixture(scope='module')
def url():
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=SITE))
    server.handle_error = lambda *args: None # a browser that goes to the next page hangs up on the last one
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()

def watched(tab, url, wrong):
    "Note what `tab` complains of, and what it asks of other sites"
    def console(m):
        if m.type in ('error','warning'): wrong.append(f'{tab.url}: console: {m.text}')
    def request(r):
        if not r.url.startswith((url, 'data:', 'blob:')): wrong.append(f'{tab.url}: asks {r.url}')
    tab.on('console', console)
    tab.on('request', request)
    tab.on('pageerror', lambda e: wrong.append(f'{tab.url}: {e}'))
    return tab

TABLES = r"[...document.querySelectorAll('p')].filter(p => /^\s*\|.*\|/.test(p.textContent)).length"

@pytest.mark.parametrize('scheme', ['light','dark'])
@pytest.mark.parametrize('width', [1280,390])
def test_pages_in_a_browser(browser, url, width, scheme):
    wrong = []
    context = browser.new_context(viewport=dict(width=width, height=900), color_scheme=scheme)
    tab = watched(context.new_page(), url, wrong)
    for page in sorted(SITE.rglob('*.html')):
        tab.goto(f'{url}/{page.relative_to(SITE).as_posix()}', wait_until='load')
        over = tab.evaluate('document.documentElement.scrollWidth') - width
        if over>0: wrong.append(f'{tab.url}: {over} px wider than {width} px')
        tables = tab.evaluate(TABLES)
        if tables: wrong.append(f'{tab.url}: {tables} tables are shown as text')
    context.close()
    assert not wrong

def test_search(browser, url):
    tab = browser.new_page()
    tab.goto(f'{url}/search.html?q=segment')
    tab.wait_for_selector('ul.search li a', timeout=15_000)
    found = tab.locator('ul.search li > a').evaluate_all('a => a.map(a => a.textContent)')
    tab.close()
    assert any('segment' in f.lower() for f in found[:3]), found[:3]
