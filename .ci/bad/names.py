"Names of files"
import os, re
from .kit import N, RGB, Want, add, check, is_done, left_out, png
from .files import stack

def raw_table(told): return (told.world.out/'images.csv').read_bytes()

def _plain_cells(told, file):
    "Each row is a line, and if done, has the plain image's cells; no cell of the table begins as a formula does"
    rows = told.mine
    text = raw_table(told).decode('utf-8')
    texts = [r[k] for r in rows for k in ('image','error','flags')]
    formulas = [v for v in texts if v[:1] in ('=','+','-','@','\t','\r')]
    done = [r for r in rows if r['status']=='ok']
    lines = text.count('\n')
    return not formulas and '\r' not in text and lines==1+len(told.rows) and all(is_done(r, N, 1) for r in done)

def named(n=1):
    "All of `n` images that were made are done, and the tables can be read"
    def holds(told, file):
        done = [r for r in told.mine if r['status']=='ok']
        return _plain_cells(told, file) and len(done)==len(told.mine)==n
    return Want('right', holds, f'{n} rows that are done, in a clean table')

def refused(said, n=0):
    "One row more than `n`, and each error says `said`"
    def holds(told, file):
        errors = [r['error'] for r in told.mine if r['status']=='error']
        named = all(re.search(said, e, re.I) for e in errors)
        return _plain_cells(told, file) and named and len(told.mine)==1+n
    return Want('row', holds, f'rows with {said}')

def names(*files, data=None):
    def put(w):
        for f in files: w.put(f, data)
        w.made[:] = [w.made[0]] if w.made else []
    return put

ODD = dict(
    spaces=' a  b .png',
    unicode='Blutbild_Müller_赤血球.png',
    newline='a\nb.png',
    right_to_left='a\u202egnp.png',
    line_separator='a\u2028b.png',
    html='<img src=x onerror=alert(1)>.png',
    backslash='a\\b.png',
    equals='=1+1.png',
    equals_command="=cmd|'!A1'.png",
    two_dashes='--out.png',
    quote_first="'=1.png",
    nan='nan.png',
    only_ending='mask.png')
FIRST = 'equals','equals_command','at','two_dashes','quote_first' # what counts is how a row begins
for name,file in ODD.items():
    add('names', f'name_{name}', names(file), named(), **(dict(batch='') if name in FIRST else {}))
add('names', 'name_no_utf8', lambda w: w.put(os.fsdecode(b'caf\xe9.png')), named())
add('names', 'name_no_utf8_twice',
    lambda w: (w.put(os.fsdecode(b'caf\xe9.png')), w.put('caf%E9.png', png(RGB[::-1]))), named(2))
add('names', 'name_of_250_bytes', names('a'*246+'.png'), named(), refused('name|long'))
add('names', 'name_of_two_long_ones', names('a'*245+'1.png', 'a'*245+'2.png'), named(2),
    refused('name|long', 1))
add('names', 'name_equals_in_folder', names('=1+1/a.png'), named(), batch='')
add('names', 'name_deep_folders', names('/'.join('abcdefgh'*4)+'/x.png'), named())
add('names', 'same_stem_two_endings', names('a.png', 'a.jpg'), named(2))
add('names', 'same_stem_chain', names('x.png', 'x.jpg', 'x.png.tif', 'x.png.bmp', 'x.jpg.gif'), named(5))
add('names', 'same_name_in_capitals', names('a.png', 'A.png'), named(2))
add('names', 'composed_and_decomposed', names('Mu\u0308ller.png', 'M\u00fcller.png'), named(2))
add('names', 'page_beside_its_stack',
    lambda w: (w.put('a.tif', stack(2)), w.put('a_p001.png', png(RGB[::-1]))), named(3))
add('names', 'stacks_of_one_stem',
    lambda w: (w.put('a.tif', stack(2)), w.put('a.btf', stack(2, compression='zlib'))), named(4))
add('names', 'image_called_as_a_result', names('good_overlay.jpg', 'a_cells.png'), named(2))
add('names', 'image_called_as_a_table', names('images.csv.png', 'report.html.png', 'run.json.tif'), named(3))
add('names', 'image_called_surgical_mask', names('surgical_mask.png'), named())

HIDDEN = '.a.png','._a.png','.hidden/a.png','.DS_Store'
add('names', 'hidden_files', names(*HIDDEN), check(lambda t: not t.mine, 'told', 'the good image alone'))
MASKS = dict(
    ours=['good_mask.png'],
    cellpose=['good_cp_masks.png'],
    cellpose_seg=['good_seg.npy'],
    stardist=['good.stardist.tif'])
for name,files in MASKS.items():
    add('names', f'mask_{name}', names(*files), left_out('mask|result|labels|file'), left_out(r'\.\w+'),
        batch='')
add('names', 'other_files', names('notes.txt', 'scan.czi', 'Thumbs.db', 'table.xlsx', 'archive.zip'),
    left_out(r'\.czi.*|\.txt'), batch='')
add('names', 'files_without_ending', names('image', data=png()), left_out('without ending'), batch='')
add('names', 'folder_called_as_an_image', names('a.png/b.png'), named())
