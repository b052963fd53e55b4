"Names and headers that nobody thinks of: each file that a folder holds is found, or told, under a name of its own."
import csv, io, json, os, shutil, tempfile
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from hypothesis import HealthCheck, given, settings, strategies as st
from rbc_overlap.folders import (SUFFIXES, RECORD, find_images, image_names, labelled_images, list_files,
    newest_masks, pair_names, printable, read_coco_file, read_column, read_record, split_coco, _disk_key, _LONGEST)

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
ON_DISK = settings(QUICK, max_examples=25)

CHARACTERS = st.characters(codec='utf-8', exclude_characters='/\0')
ODD = ('a','A','é','e\u0301','ß','SS','s','s_p001','..','a.','a b',' a','-a','=1+1','"a"',"a'b",'a\nb','a\r','%E9','a~2',
    '_mask','a_mask')
OURS = '','_mask','_mask.v2','_overlay','_p001','_p0010','_labels','_cp_masks','.png','.tif'
STEMS = st.sampled_from(ODD) | st.text(CHARACTERS, min_size=1, max_size=12) | st.just('n'*_LONGEST)
ENDINGS = st.sampled_from([*SUFFIXES[:6], '.PNG', '.tif', '.czi', '', RECORD])
def is_name(n): return n not in ('.','..') and len(n.encode())<256
NAMES = st.tuples(STEMS, st.sampled_from(OURS), ENDINGS).map(''.join).filter(is_name)
FOLDERS = st.sampled_from(['','day1','Day1','day1/é','x.png','masks'])
PATHS = st.tuples(FOLDERS, NAMES).map(lambda parts: '/'.join(filter(None, parts)))
FILES = st.lists(PATHS, max_size=12, unique=True)

@contextmanager
def folder_of(paths):
    "A folder with those of the `paths` that fit together, each an empty file"
    base = Path(tempfile.mkdtemp())
    for path in paths:
        try:
            (base/path).parent.mkdir(parents=True, exist_ok=True)
            (base/path).touch()
        except OSError: pass # a file where another path has a folder
    try: yield base
    finally: shutil.rmtree(base)

def all_files(base): return {os.path.join(f, n) for f,_,names in os.walk(base) for n in names}

def is_hidden(path, base): return any(part[0]=='.' for part in Path(path).relative_to(base).parts)

@ON_DISK
@given(FILES)
def test_each_file_is_a_source_or_told(paths):
    with folder_of(paths) as base:
        shown = {f for f in all_files(base) if not is_hidden(f, base)}
        try: sources = find_images([base], base/'out')
        except ValueError as e:
            assert 'no images in' in str(e)
            return
        found = [str(s.path) for s in sources]
        assert len({*found})==len(found)
        assert {*found, *map(str, sources.left_out)}==shown
        check_names(sources)

def check_names(sources):
    for what in ('name','relative'):
        told = [str(getattr(s, what)) for s in sources]
        assert len({*map(_disk_key, told)})==len(told)
        assert all(printable(t)==t and t.encode() for t in told)
    names = {_disk_key(s.name) for s in sources}
    assert not any(_disk_key(f'{s.name}_p001') in names for s in sources)
    too_long = [s for s in sources if max(len(part.encode()) for part in s.name.split('/'))>_LONGEST]
    assert all(s.error for s in too_long)

@ON_DISK
@given(FILES, FILES)
def test_names_of_two_folders(first, second):
    with folder_of(first) as a, folder_of(second) as b:
        named = sorted(all_files(a)|all_files(b))
        if not named: return
        sources = find_images([a/'missing.png', *named, a, b, *named], a/'out')
        assert len(sources)==1+len(named)
        check_names(sources)

@QUICK
@given(FILES)
def test_names_do_not_depend_on_order(paths):
    names = dict(zip(paths, image_names(paths)))
    assert len({*names.values()})==len(paths)
    back = paths[::-1]
    assert dict(zip(back, image_names(back)))==names

@ON_DISK
@given(FILES)
def test_a_labelled_folder_gives_all_images(paths):
    with folder_of(f'images/{p}' for p in paths) as base:
        assert [*labelled_images(base).values()]==list_files(base/'images', SUFFIXES)

@QUICK
@given(st.text())
def test_printable(text):
    shown = printable(text)
    assert printable(shown)==shown==shown.encode().decode()
    assert len(shown.splitlines())<2

@QUICK
@given(st.binary(max_size=20))
def test_printable_bytes(data):
    shown = printable(os.fsdecode(data))
    assert shown==shown.encode().decode()

@QUICK
@given(st.lists(NAMES, max_size=8, unique=True), st.integers(1, 12))
def test_masks_come_back(names, version):
    stems = [n for n in names if n[0]!='.']
    masks = [Path('masks')/f'{n}_mask.png' for n in stems]
    masks += [Path('masks')/f'{n}_mask.v{v}.png' for n in stems for v in range(2, version+1)]
    newest = newest_masks(masks, Path('masks'))
    assert {*stems}=={*newest}
    assert {*newest.values()} <= {*masks}

@QUICK
@given(FILES, FILES)
def test_pairs(wanted, found):
    found = {n: n for n in found}
    try: pairs = pair_names(wanted, found)
    except ValueError as e:
        assert 'could belong to' in str(e)
        return
    assert [*pairs]==wanted
    given_out = [f for f in pairs.values() if f]
    assert len({*given_out})==len(given_out)
    assert all(pairs[n]==n for n in wanted if n in found)

KEYS = st.sampled_from(['id','file_name','height','image_id','page','info'])
def within(inner): return st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
JSON = st.recursive(st.none()|st.booleans()|st.integers()|st.floats()|st.text(max_size=4), within, max_leaves=8)

def read_well(read, data, name):
    "What `read` says of a file of `data`: a value, or one line that names the file"
    base = Path(tempfile.mkdtemp())
    (base/name).write_bytes(data)
    try: return read(base/name)
    except ValueError as e: assert str(e).startswith(str(base/name)) and '\n' not in printable(e)
    finally: shutil.rmtree(base)

@QUICK
@given(st.binary(max_size=80))
def test_any_bytes(data):
    read_well(read_coco_file, data, 'a_cells.json')
    assert read_record_of(data)=={}
    read_well(lambda f: read_column(f, 'image', 'slide'), b'image,slide\n'+data, 'slides.csv')
    read_well(lambda f: read_column(f, 'image', 'slide'), data, 'slides.csv')

def read_record_of(data): return read_well(read_record, data, 'a_cells.json')

@QUICK
@given(JSON, JSON, JSON)
def test_any_json(images, annotations, categories):
    data = json.dumps(dict(images=images, annotations=annotations, categories=categories)).encode()
    read = read_well(read_coco_file, data, 'a_cells.json')
    if read: assert len(split_coco(read))==len(read['images'])

@QUICK
@given(st.dictionaries(NAMES, st.sampled_from('12'), max_size=6), st.sampled_from(',;\t'))
def test_slides_come_back(slides, delimiter):
    out = io.StringIO(newline='')
    csv.writer(out, delimiter=delimiter).writerows([('image','slide'), *slides.items()])
    assert read_well(lambda f: read_column(f, 'image', 'slide'), out.getvalue().encode(), 'slides.csv')==slides

def look(base):
    "What is told of the images in `base`"
    told = {}
    for s in find_images([base], base/'out'):
        try: s.check()
        except OSError as e: told[s.relative.as_posix()] = str(e)
    return told

def test_what_is_forbidden_is_told():
    "In a process of its own, which isn't the administrator's"
    with folder_of(['a.png','locked/b.png','closed.png']) as base:
        base.chmod(0o755)
        for name in 'locked','closed.png': (base/name).chmod(0)
        nobody = dict(initializer=os.setuid, initargs=(65534,)) if os.getuid()==0 else {}
        with get_context('fork').Pool(1, **nobody) as pool: told = pool.apply(look, (base,))
        (base/'locked').chmod(0o755)
    assert told['locked']==f'{base}/locked: a folder without permission, so it was not read'
    assert told['closed.png']==f'{base}/closed.png: Permission denied'
    assert len(told)==2
