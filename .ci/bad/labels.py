"Masks, COCO files, tables and journals of labelled folders"
import base64, io, json, re, shutil, zlib
from functools import partial
import numpy as np, tifffile
from rbc_overlap.core import write_file
from rbc_overlap.folders import Doubts
from rbc_overlap.gimp import from_gimp
from rbc_overlap.journal import Journal, Painting
from rbc_overlap.review import Review
from rbc_overlap.smear import save_labelled
from .kit import GOOD, N, RGB, SIDE, Want, add, check, kind, line, png, smear, tiff, told
from .files import stack
from .damage import DEFLATED, NO_IMAGE
from .bombs import zeros_png
from .results import PAINTED, record, text

def labelled(w):
    "`truth` of two images, f and h, and `pred`, the same"
    for folder in 'truth','pred': save_labelled([smear(), smear(seed=6)], w/folder, ['f','h'])

def with_file(path, data):
    "A `make`: both folders, and a file of theirs with other `data`"
    def make(w):
        labelled(w)
        write_file(w/path, data)
    return make

def without(path):
    "A `make`: both folders but for a file"
    def make(w):
        labelled(w)
        (w/path).unlink()
    return make

def compares(w, *more): return ['evaluate', w/'pred', w/'truth', '--out', w/'scores', *more]
def scored(t): return json.loads((t.world/'scores/scores.json').read_text())
def are_right(t):
    cells = scored(t)['cells']
    return t.code==0 and cells['cells']==2*N and cells['f1_50']==1
RIGHT = check(are_right, 'right', 'the scores of the same cells')
def noted(said):
    "Scores, and a line that says what is odd"
    def holds(told, _):
        noted = re.search(said, told.said+told.err, re.I)
        return told.code in (0,1) and bool(noted) and bool(scored(told))
    return Want('told', holds, f'scores with a note on {said}')

def changed_coco(change, where='truth'):
    "Both folders, the COCO file of one of them as `change` makes it of the bytes or the data"
    def make(w):
        labelled(w)
        path = w/where/'cells.coco.json'
        data = path.read_bytes()
        path.write_bytes(change(data))
    return make
def all_say(**what): return record(lambda d: [a.update(what) for a in d['annotations']] and d)
def first_says(**what): return record(lambda d: d['annotations'][0].update(what))
def image_says(**what): return record(lambda d: d['images'][0].update(what))
def image_lacks(k): return record(lambda d: d['images'][0].pop(k) and d)
COCO_LINE = line(r'cells\.coco\.json')
BAD_COCO = dict(
    cut=lambda d: d[:len(d)//2],
    nested=lambda d: b'['*100_000,
    images_null=record(lambda d: d | dict(images=None)),
    annotations_numbers=record(lambda d: d | dict(annotations=[1])),
    size_text=image_says(height='x'),
    size_missing=image_lacks('height'),
    points_nan=all_say(segmentation=[[float('nan')]*6]),
    points_nested=all_say(segmentation=[[[1,2],[3,4],[5,6]]]),
    segmentation_number=all_say(segmentation=5),
    counts_garbage=all_say(segmentation=dict(size=[SIDE,SIDE], counts='zz~~zz')),
    counts_of_other_size=first_says(segmentation=dict(size=[50,50], counts=[0,2500])),
    image_id_unknown=all_say(image_id=99),
    image_id_missing=record(lambda d: [a.pop('image_id') for a in d['annotations']] and d),
    two_images_of_one_id=record(lambda d: d['images'].append(dict(d['images'][0], file_name='g.png'))),
    file_name_missing=image_lacks('file_name'),
    box_text=record(lambda d: [(a.pop('segmentation'), a.update(bbox=list('abcd'))) for a in d['annotations']] and d),
    score_text=all_say(score='x'),
    categories_text=record(lambda d: d | dict(categories='rbc')))
BAD_COCO['size_million'] = image_says(height=10**6, width=10**6)
ALONE_COCO = dict(
    counts_size_million=all_say(segmentation=dict(size=[10**6,10**6], counts=[0,5])),
    points_at_minus_1e9=all_say(segmentation=[[-1e9,-1e9,1e9,1e9,5,5]]))
def add_coco(name, change, *wants, where='truth'):
    add('labels', name, changed_coco(change, where), COCO_LINE, *wants, argv=compares, alone=name[5:] in ALONE_COCO)
COCO_NOTES = noted(r'cells\.coco\.json|left out|another|other size|no size|not in|f\.png'),line(r'f\.png')
UNUSED = 'score_text','categories_text' # what the scores can do without
for name,change in (BAD_COCO | ALONE_COCO).items():
    notes = () if name in ('cut',) else COCO_NOTES
    add_coco(f'coco_{name}', change, *notes, *[RIGHT]*(name in UNUSED))
for name in 'cut','size_million': add_coco(f'coco_{name}_predicted', BAD_COCO[name], COCO_NOTES[0], where='pred')

@record
def renamed(d):
    "An image's number is a word"
    first = d['images'][0]['id']
    d['images'][0].update(id='one')
    for a in d['annotations']:
        if a['image_id']==first: a.update(image_id='one')

FAIR_COCO = dict(
    no_categories=record(lambda d: d.pop('categories') and d),
    id_text=renamed,
    file_name_in_folders=image_says(file_name='images/f.png'))
for name,change in FAIR_COCO.items():
    add('labels', f'coco_{name}', changed_coco(change), RIGHT, argv=compares)
MORE = [dict(id=2, name='wbc'), dict(id=3, name='platelet')]

@record
def three_classes(d):
    d['categories'].extend(MORE)
    d['annotations'].append(dict(d['annotations'][0], id=99, category_id=2))

@record
def other_classes(d):
    d['categories'] = MORE
    for i,a in enumerate(d['annotations']): a.update(category_id=2 if i==0 else 3)

add('labels', 'coco_of_three_classes', changed_coco(three_classes), RIGHT, argv=compares)
add('labels', 'coco_of_other_classes_alone', changed_coco(other_classes), line('--category'), argv=compares)
add('labels', 'coco_no_category_id',
    changed_coco(record(lambda d: [a.pop('category_id') for a in d['annotations']] and d)), noted('16 category none'),
    argv=compares)
add('labels', 'coco_of_boxes',
    changed_coco(record(lambda d: [a.pop('segmentation') for a in d['annotations']] and d)), noted('boxes'),
    argv=compares)

def changed_mask(a, where='truth', name='masks/f_mask.png'):
    def make(w):
        labelled(w)
        data = a(w) if callable(a) else a
        write_file(w/where/name, data if isinstance(data, bytes) else png(data))
    return make
MASK = np.asarray(smear().mask)
BAD_MASKS = dict(
    value_7=np.where(np.eye(SIDE)>0, 7, MASK).astype(np.uint8),
    cut=png(MASK)[:150])
for name,a in BAD_MASKS.items():
    add('labels', f'mask_{name}', changed_mask(a), line(r'f_mask\.png'), noted(r'f_mask\.png'), argv=compares)
add('labels', 'mask_cut_predicted', changed_mask(BAD_MASKS['cut'], 'pred'), line(r'f_mask\.png'),
    noted(r'f_mask\.png'), argv=compares)
add('labels', 'mask_of_another_size', changed_mask(MASK[:-9]), line(r'f_mask\.png'), noted('size|a mask of'),
    argv=compares)
add('labels', 'mask_of_another_size_predicted', changed_mask(MASK[:-9], 'pred'), noted('size'), argv=compares)
add('labels', 'mask_bomb', changed_mask(lambda w: zeros_png(60_000, 60_000)), line(r'f_mask\.png'),
    noted(r'f_mask\.png'), argv=compares)

LABELS = np.zeros((SIDE,SIDE), np.uint16)
for i,c in enumerate(smear().cells, 1):
    h,w = c.mask.shape
    LABELS[c.y:c.y+h,c.x:c.x+w][c.mask] = i

def label_image(a, name='f_cp_masks.tif'):
    def make(w):
        labelled(w)
        shutil.rmtree(w/'pred')
        write_file(w/'pred'/name, a if isinstance(a, bytes) else tiff(a))
        write_file(w/'pred'/'h_cp_masks.tif', tiff(LABELS[:,::-1]))
    return make
LABEL_LINE = line(r'f_(cp_masks|labels)\.')
BAD_LABELS = dict(
    minus=LABELS.astype(np.int32)-1,
    rgb=np.repeat(LABELS[...,None].astype(np.uint8), 3, 2),
    cut=tiff(LABELS)[:5000],
    three_dimensions=np.stack([LABELS]*3),
    complex=LABELS.astype(np.complex64))
for name,a in BAD_LABELS.items():
    add('labels', f'label_image_{name}', label_image(a), LABEL_LINE, noted(r'f_cp_masks\.'), argv=compares)
add('labels', 'label_image_of_huge_numbers', label_image(LABELS.astype(np.uint32)*500_000_000),
    noted('label'), LABEL_LINE, argv=compares)
add('labels', 'label_image_float', label_image(LABELS.astype(np.float32)), noted('label image'), LABEL_LINE,
    argv=compares)
add('labels', 'label_image_of_another_size', label_image(LABELS[:-9]), noted('size'), LABEL_LINE,
    argv=compares)

@kind('labels', line('pred'), argv=compares)
def predictions_missing(w):
    labelled(w)
    shutil.rmtree(w/'pred')

@kind('labels', line('pred'), argv=compares)
def predictions_empty(w):
    predictions_missing(w)
    (w/'pred').mkdir()

@kind('labels', line('pred'), argv=compares)
def predictions_of_other_images(w):
    labelled(w)
    shutil.rmtree(w/'pred')
    save_labelled([smear()], w/'pred', ['g'])

@kind('labels', line('truth'), argv=compares)
def truth_empty(w):
    labelled(w)
    shutil.rmtree(w/'truth')
    (w/'truth').mkdir()

def truth_image(name, data):
    add('labels', f'evaluate_image_{name}', with_file('truth/images/f.png', data),
        line(r'f\.png'), noted(r'f\.png|picture'), argv=compares)
truth_image('damaged', b'no image')
truth_image('of_another_size', png(RGB[:-9]))
SLIDES = dict(
    semicolons=b'image;slide\nf.png;a\nh.png;b\n',
    binary=b'\xff\xfe\0\x01'*40,
    latin1='image,slide\nf.png,M\xfcller\n'.encode('latin1'))
for name,data in SLIDES.items():
    add('labels', f'slides_csv_{name}',
        with_file('truth/slides.csv', data), line(r'slides\.csv'),
        noted(r'slides\.csv'),
        *[RIGHT]*(name in ('latin1','semicolons')), argv=compares)
add('labels', 'crops_without_slides', without('truth/slides.csv'), line('truth'),
    argv=lambda w: compares(w, '--crops'))

def beside_good(name, data): return lambda w: w.put(name, data() if callable(data) else data, good=True)
def masks_of(w): return ['masks', w.inside, '--out', w/'lab']
def masked(*wants): return kind('labels', *wants, argv=masks_of)
FAILED = told(r'failed: bad\.\w+: .+', 'lab/masks/good_mask.png')
add('labels', 'masks_of_text', beside_good('bad.png', NO_IMAGE['text']), FAILED, argv=masks_of)
add('labels', 'masks_of_cut_tiff', beside_good('bad.tif', DEFLATED()[:9000]), FAILED,
    argv=masks_of)
add('labels', 'masks_of_a_bomb', beside_good('bad.png', partial(zeros_png, 60_000, 60_000)),
    FAILED, argv=masks_of)

@masked(check(lambda t: t.code==1 and len([*(t.world/'lab/masks').glob('bad_p*_mask.png')])==2, 'row',
    'the two good pages done, the bad one told'))
def masks_of_a_stack_with_a_bad_page(w):
    data = bytearray(stack(3, compression='zlib'))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tif: at = tif.pages[1].dataoffsets[0]
    data[at:at+400] = bytes(400)
    w.put('bad.tif', bytes(data))
    w.made.clear()

def in_lab(w, image, mask):
    "A labelled folder that already has `good`"
    write_file(w/'lab/images/good.png', png(image))
    write_file(w/'lab/masks/good_mask.png', mask)

def as_painted(told): return (told.world/'lab/masks/good_mask.png').read_bytes()==PAINTED

@masked(check(as_painted))
def masks_with_a_mask_made_by_hand(w): in_lab(w, GOOD, PAINTED)

@masked(told(r'good\.png'))
def masks_of_another_image_of_that_name(w): in_lab(w, RGB, png(MASK))

def not_nested(told): return told.code==2 and not (told.world.inside/'masks').exists()

@kind('labels', check(not_nested, 'line'), argv=lambda w: ['masks', w.inside, '--out', w.inside])
def masks_into_the_same_folder(w): pass

@kind('labels', line('out'), check(lambda t: t.code==2 and 'out' in t.err, 'line', 'a line with out'),
    argv=lambda w: ['masks', w.inside, '--out', ''])
def masks_into_nothing(w): pass

DOUBTS = dict(
    semicolons=b'image;doubt;flagged;reason\nf;0.1;True;x\n',
    no_doubt=b'image,flagged\nf,True\n',
    doubt_text=b'image,doubt,flagged,reason\nf,much,True,x\n',
    latin1='image,doubt,flagged,reason\nM\xfcller,0.1,True,x\n'.encode('latin1'),
    open_quote=b'image,doubt,flagged,reason\n"f,0.1,True,x\n')
def reads(name, put, does, *wants):
    "A kind whose command is a function of ours: what it returns, warns of or refuses is told"
    add('labels', name, put, *wants, argv=lambda w: partial(does, w))
def doubts(w):
    return Doubts(w/'truth').rows
DOUBT_LINE = line(r'doubt\.csv')
for name,data in DOUBTS.items():
    fair = []
    if name in ('latin1','semicolons','open_quote'):
        fair = [check(lambda t: re.search('f|ller', t.said), what='the row')]
    if name=='empty': fair = [check(lambda t: t.code==0, what='no rows')]
    reads(f'doubt_csv_{name}', with_file('truth/doubt.csv', data), doubts, DOUBT_LINE,
        told(r'doubt\.csv'), *fair)

def decided(w):
    return Journal(w/'truth').decisions()
def journal(*lines):
    "A labelled folder with an accepted mask, and `lines` in its journal"
    def put(w):
        labelled(w)
        Journal(w/'truth', 'me').add('f', 'accept')
        path = w/'truth/review.jsonl'
        path.write_bytes(b''.join(lines[:1])+path.read_bytes()+b''.join(lines[1:]))
    return put
STANDS = Want('told', lambda t,_: t.code==0 and "'f': 'accept'" in t.said and 'review.jsonl' in t.err,
    'the decision stands, and the line is named')
QUIET = Want('right', lambda t,_: t.code==0 and "'f': 'accept'" in t.said, 'the decision stands')
LINES = dict(
    garbage=b'garbage\n',
    nul=bytes(500)+b'\n',
    nested=b'['*100_000+b'\n',
    unknown_decision=b'{"image":"f","decision":"eat","sha256":"0"}\n',
    image_a_list=b'{"image":["f"],"decision":"accept","sha256":"0"}\n',
    lone_surrogate=b'"\\ud800"\n')
for name,data in LINES.items(): reads(f'journal_{name}', journal(data, data), decided, STANDS)
HARMLESS = dict(
    note_a_list=b'{"image":"f","decision":"note","sha256":"0","note":[1]}\n',
    image_outside=b'{"image":"../../f","decision":"accept","sha256":"0"}\n')
for name,data in HARMLESS.items(): reads(f'journal_{name}', journal(data, data), decided, QUIET, STANDS)
reads('journal_last_line_torn', journal(b'', b'{"image": "f", "dec'), decided, QUIET, STANDS)
reads('journal_a_folder', lambda w: (labelled(w), (w/'truth/review.jsonl').mkdir()), decided,
    line(r'review\.jsonl'))

def painted(w):
    p = Painting(w/'truth', 'f')
    while p.undo(): pass
    return p.mask.shape, p.can_undo
def strokes(change):
    "A labelled folder with one stroke in its log, whose bytes `change` changes"
    def put(w):
        labelled(w)
        Painting(w/'truth', 'f', 'me').paint(np.zeros((20,20), np.uint8)+255, 5, 5)
        log, = (w/'truth/masks').glob('*.strokes.jsonl')
        log.write_bytes(change(log.read_bytes()))
    return put
def stroke_says(**what): return lambda d: json.dumps(json.loads(d) | what).encode()+b'\n'
def packed(data): return base64.b64encode(zlib.compress(data)).decode()
SHAPE = check(lambda t: t.code==0 and str((SIDE,SIDE)) in t.said, 'right', 'the mask can be painted')
STROKES = dict(
    cut=lambda d: d[:len(d)//2],
    empty=lambda d: b'',
    nested=lambda d: b'['*100_000+b'\n'+d,
    outside=stroke_says(y=10**6),
    size_huge=stroke_says(h=10**9, w=10**9),
    before_bomb=stroke_says(before=packed(bytes(10**8))),
    value_7=stroke_says(before=packed(bytes([7])*400)),
    before_missing=text(lambda t: t.replace('"before"', '"after"')))
for name,change in STROKES.items():
    reads(f'strokes_{name}', strokes(change), painted, SHAPE, line('f|stroke'))

def from_gimp_of(w):
    return from_gimp(w/'truth', w/'x.tif')
NO_DRAWING = dict(
    xcf=b'gimp xcf v011',
    stack=stack(4),
    tiff_header=b'II*\0'+bytes(9),
    cut=tiff()[:5000])
for name,data in NO_DRAWING.items():
    reads(f'gimp_{name}', with_file('x.tif', data), from_gimp_of,
        line(r'x\.tif'))

def reviewed(w):
    r = Review(w/'truth')
    return f'{r.state["problem"]} of {r.state["name"]}'
SHOWN = check(lambda t: t.code==0 and re.search(r'(image|mask|broken|size|text|no such).* of f', t.said), 'row',
    'the problem in the place of the picture')
UNSEEN = dict(
    image_damaged=('images/f.png', b'no image'),
    mask_damaged=('masks/f_mask.png', b'x'),
    mask_value_7=('masks/f_mask.png', png(BAD_MASKS['value_7'])))
for name,(file,data) in UNSEEN.items():
    reads(f'review_{name}', with_file(f'truth/{file}', data), reviewed,
        SHOWN)
reads('review_image_missing', without('truth/images/f.png'), reviewed, SHOWN)
