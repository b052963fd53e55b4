"""The documentation site, checked: every link, and every page in a real browser at a desktop's and a phone's width, light and dark.
usage: python .ci/pages.py   (after make docs)"""
import shutil, sys
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

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

def dead(page, link, pages):
    "What is wrong with `link` on `page`; None where nothing is"
    if link.startswith(REPO):
        path,_,line = unquote(link.removeprefix(REPO)).partition('#L')
        if not (ROOT/path).exists(): return 'no such file in the repository'
        return f'{path} has no line {line}' if line and int(line)>len((ROOT/path).read_text().splitlines()) else None
    parts = urlsplit(link)
    if parts.scheme or parts.netloc: return None
    to = (page.parent/unquote(parts.path)).resolve() if parts.path else page
    if not to.exists(): return 'no such file'
    if parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].ids: return 'no such place on the page'

def links_lead_somewhere():
    pages = {p: Page(p) for p in SITE.resolve().rglob('*.html')}
    wrong = [f'{p.relative_to(SITE.resolve())}: {link}: {why}' for p,page in pages.items() for link in sorted(page.links) if (why := dead(p, link, pages))]
    far = {l for page in pages.values() for l in page.links if urlsplit(l).scheme in ('http','https') and not l.startswith(REPO)}
    print(f'{len(pages)} pages, {sum(len(p.links) for p in pages.values())} links; {len(far)} to other sites, which were not followed')
    return wrong

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def visits(browser, url):
    "What is wrong with the pages in a browser"
    wrong = []
    for width,scheme in product((1280,390), ('light','dark')):
        tab = browser.new_context(viewport=dict(width=width, height=900), color_scheme=scheme).new_page()
        tab.on('console', lambda m: m.type in ('error','warning') and wrong.append(f'{tab.url}: console: {m.text}'))
        tab.on('pageerror', lambda e: wrong.append(f'{tab.url}: {e}'))
        tab.on('request', lambda r: r.url.startswith((url, 'data:', 'blob:')) or wrong.append(f'{tab.url}: asks {r.url}'))
        for page in sorted(SITE.rglob('*.html')):
            tab.goto(f'{url}/{page.relative_to(SITE).as_posix()}', wait_until='load')
            over = tab.evaluate('document.documentElement.scrollWidth') - width
            if over>0: wrong.append(f'{tab.url}: {over} px wider than {width} px')
            tables = tab.evaluate(r"[...document.querySelectorAll('p')].filter(p => /^\s*\|.*\|/.test(p.textContent)).length")
            if tables: wrong.append(f'{tab.url}: {tables} tables are shown as text')
    return wrong

def search(browser, url):
    "What is wrong with the search"
    tab = browser.new_page()
    tab.goto(f'{url}/search.html?q=segment')
    tab.wait_for_selector('ul.search li a', timeout=15_000)
    found = tab.locator('ul.search li > a').evaluate_all('a => a.map(a => a.textContent)')
    return [] if any('segment' in f.lower() for f in found[:3]) else [f'a search for segment finds {found[:3]}']

def in_browser(check):
    from playwright.sync_api import sync_playwright
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=SITE))
    server.handle_error = lambda *args: None # a browser that goes to the next page hangs up on the last one
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as p: return check(p.chromium.launch(executable_path=shutil.which('chromium')), f'http://127.0.0.1:{server.server_port}')
    finally: server.shutdown()

def main():
    "(passed, failed)"
    checks = dict(links=links_lead_somewhere)
    if shutil.which('chromium'): checks |= {'pages in a browser': lambda: in_browser(visits), 'search': lambda: in_browser(search)}
    else: print('no chromium: 2 checks of the site skipped')
    results = {name: check() for name,check in checks.items()}
    for name,wrong in results.items(): print(f'{"FAILED" if wrong else "ok    "} site: {name}', *wrong[:20], sep='\n    ' if wrong else '')
    return sum(not w for w in results.values()), sum(bool(w) for w in results.values())

if __name__=='__main__': sys.exit(main()[1]>0)
