"What lies in the folder of an earlier run, damaged or made by a person"
import json, re
from pathlib import Path
import numpy as np
from rbc_overlap.core import write_file
from .kit import SIDE, Want, add, check, earlier, in_process, kind, line, png, row, same, segments, told

def after(change):
    "A `make`: an earlier run, a `change` of a file of it, one more image"
    def make(w):
        earlier(w)
        change(w)
        w.put('bad.png')
    return make

def rewritten(name, change):
    "After an earlier run, the bytes of the file `name` as `change` makes them of the old ones"
    def put(w):
        path = w.out/name
        path.write_bytes(change(path.read_bytes()))
    return after(put)

def text(change): return lambda data: change(data.decode()).encode()

TABLES = dict(
    semicolons=text(lambda t: t.replace(',', ';')),
    empty=lambda d: b'',
    no_status=text(lambda t: t.replace('status', 'state')),
    latin1=lambda d: d+'bäd.png,error,größer'.encode('latin1')+b'\n',
    utf16=lambda d: d.decode().encode('utf-16'),
    open_quote=lambda d: d+b'"bad.png,error',
    more_columns=lambda d: d+b'a,b'*40+b'\n',
    long_field=lambda d: d+b'x'*200_000+b',error,y\n')
for name,change in TABLES.items():
    add('results', f'images_csv_{name}', rewritten('images.csv', change), same())
for file in 'cells.csv','run.json','report.html':
    add('results', f'{file.replace(".", "_")}_binary', rewritten(file, lambda d: b'\xff\xfe\0'*100), same())

def record(change):
    "A change of a file of cells: what `change` makes of its data, or does to them"
    def rewrite(data):
        d = json.loads(data)
        new = change(d)
        return json.dumps(d if new is None else new).encode()
    return rewrite

def lacks(key): return record(lambda d: d['info'].pop(key) and d)
def says(**info): return record(lambda d: d['info'].update(info))
RECORDS = dict(
    cut=lambda d: d[:len(d)//2],
    null=lambda d: b'null',
    nested=lambda d: b'['*100_000,
    no_info=record(lambda d: d.pop('info') and d),
    no_annotations=record(lambda d: d.pop('annotations') and d),
    annotations_null=record(lambda d: d | dict(annotations=None)),
    fewer_annotations=record(lambda d: d | dict(annotations=d['annotations'][:2])),
    no_measures=record(lambda d: [a.pop('measures') for a in d['annotations']] and d),
    no_segmentation=record(lambda d: [a.pop('segmentation') for a in d['annotations']] and d),
    nan=text(lambda t: t.replace('"diameter": ', '"diameter": NaN, "d": ')),
    utf16=lambda d: d.decode().encode('utf-16'),
    latin1=text(lambda t: t.replace('good.png', 'good.pn\udce9').encode('utf-8', 'replace').decode()),
    **{f'no_{k}': lacks(k) for k in ('date','image','settings')},
    date_a_number=says(date=5),
    image_a_number=says(image=7),
    image_another=says(image='other.png'),
    pixel_size_of_three=says(pixel_size=[1,2,3]),
    path_outside=says(path='/etc/passwd'),
    clump_table_text=says(clump_table='x'),
    image_outside=says(image='../../evil.png'))
def damages(name, change, gone=False):
    "A `make` that changes a result of `bad.png`; is the image `gone` since?"
    def make(w):
        path = w.result(name)
        path.write_bytes(change(path.read_bytes()))
        if gone: w.made.pop().unlink()
    return make
def put_bad(w): w.put('bad.png')
for name,change in RECORDS.items():
    add('results', f'record_{name}', damages('bad_cells.json', change), same(),
        row('not by rbc-overlap|changed'), first=put_bad, batch='records')
for name in 'cut','no_date','no_image':
    add('results', f'other_record_{name}', damages('bad_cells.json', RECORDS[name], gone=True),
        check(lambda t: t.rows, 'right', 'the rest done'), first=put_bad, batch='others')

add('results', 'overlay_cut', damages('bad_overlay.png', RECORDS['cut']), same(), first=put_bad, batch='records')
for name in 'good_mask.png','good_cells.json','images.csv':
    add('results', f'removed_{name}', after(lambda w, name=name: (w.out/name).unlink()), same())

def kept(path, data, said=''):
    "What a person made is still at `path`, or under another name in its folder, and a line or a row names it"
    def holds(told, _):
        folder = (told.world/path).parent
        there = any(p.is_file() and p.read_bytes()==data for p in folder.iterdir())
        errors = ' '.join(r.get('error') or '' for r in told.rows)
        return there and bool(re.search(said or re.escape(Path(path).name), told.err+errors))
    return Want('told', holds, f'{path} kept, and named')

PAINTED = png(np.where(np.eye(SIDE)>0, 2, 0).astype(np.uint8))
NOTES = b'image,remark\ngood.png,please look again\n'
add('results', 'mask_painted_since', after(lambda w: (w.out/'good_mask.png').write_bytes(PAINTED)),
    kept('out/good_mask.png', PAINTED), good=False, options=('--redo',))
add('results', 'overlay_of_a_person', after(lambda w: (w.out/'good_overlay.png').write_bytes(PAINTED)),
    kept('out/good_overlay.png', PAINTED), good=False, options=('--redo',))
add('results', 'table_of_a_person', after(lambda w: (w.out/'images.csv').write_bytes(NOTES)),
    kept('out/images.csv', NOTES), good=False)
add('results', 'cells_table_of_a_person', after(lambda w: (w.out/'cells.csv').write_bytes(NOTES)),
    kept('out/cells.csv', NOTES), good=False)
add('results', 'table_there_before_the_first_run',
    lambda w: (write_file(w.out/'images.csv', NOTES), w.put('bad.png')), kept('out/images.csv', NOTES),
    good=False)
add('results', 'report_there_before_the_first_run',
    lambda w: (write_file(w.out/'report.html', NOTES), w.put('bad.png')), kept('out/report.html', NOTES),
    good=False)
add('results', 'mask_there_before_the_first_run',
    lambda w: (write_file(w.out/'bad_mask.png', PAINTED), w.put('bad.png')),
    kept('out/bad_mask.png', PAINTED))

def no_parts(t, file): return same().holds(t, file) and not [*t.world.out.rglob('*.part')]
def parts(w):
    for name in '.good_mask.png.99999999.part','.images.csv.99999998.part': write_file(w.out/name, 'half')
add('results', 'parts_left_behind', after(parts), Want('right', no_parts, 'the parts removed'))

@kind('results', row('text|no known image'))
def image_that_was_good_and_is_damaged(w):
    path = w.put('bad.png')
    earlier(w)
    path.write_bytes(b'no image any more')

@kind('results', same())
def image_that_was_damaged_and_is_good(w):
    path = w.put('bad.png', b'no image yet')
    segments(w)
    path.write_bytes(png())

def exports(w): return ['export', w.out, '--out', w/'exported']
def export_of(change, name='bad_cells.json'):
    def make(w):
        w.put('bad.png')
        earlier(w)
        path = w.out/name
        path.write_bytes(change(path.read_bytes()))
        w.made.clear()
    return make
EXPORTED = told(r'failed: bad_cells\.json: .+', 'exported/good_rois.zip', 'exported/cells.coco.json')
EXPORTS = 'cut nested no_info annotations_null no_measures utf16 fewer_annotations'.split()
for name in EXPORTS:
    fair = [told('', 'exported/bad_rois.zip')] if name=='utf16' else [] # JSON may be that
    add('results', f'export_of_record_{name}', export_of(RECORDS[name]), EXPORTED, *fair, argv=exports)
def resized(h, w_): return record(lambda d: d['images'][0].update(height=h, width=w_))
for name,size in dict(million=(10**6, 10**6), minus=(-5, 130), larger=(500, 500)).items():
    add('results', f'export_of_size_{name}', export_of(resized(*size)), EXPORTED, argv=exports)
for name,counts in dict(garbage='zzzz~~', negative=[-5, 20], too_long=[0, 10**12]).items():
    add('results', f'export_of_counts_{name}',
        export_of(record(lambda d, c=counts: d['annotations'][0]['segmentation'].update(counts=c))), EXPORTED,
        argv=exports)
add('results', 'export_of_run_json_damaged', export_of(lambda d: b'{', 'run.json'), line(r'run\.json'),
    told('', 'exported/good_rois.zip'), argv=exports)
add('results', 'export_of_nothing', lambda w: w.out.mkdir(), line('out'), argv=exports)
add('results', 'export_of_no_folder', lambda w: None, line('out'), argv=exports)

def not_exported(told):
    exported = [p.name for p in (told.world/'exported').glob('*_rois.zip')]
    return told.code in (0,1) and exported==['good_rois.zip']

@kind('results', check(not_exported, 'told', 'the failed image left out'), argv=exports)
def export_of_a_failed_image(w):
    path = w.put('bad.png')
    earlier(w)
    path.write_bytes(b'no image any more')
    segments(w)
    w.made.clear()

@kind('results', kept('exported/cells.coco.json', NOTES), argv=exports)
def export_into_a_labelled_folder(w):
    earlier(w)
    write_file(w/'exported/cells.coco.json', NOTES)

@kind('results', kept('exported/good_rois.zip', NOTES), argv=exports)
def export_over_edited_rois(w):
    earlier(w)
    in_process(w, exports(w), 'classic')
    (w/'exported/good_rois.zip').write_bytes(NOTES)
