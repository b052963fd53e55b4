"Folders, links, permissions, arguments"
import os, re, shutil, tempfile
from pathlib import Path
import numpy as np
from rbc_overlap.core import write_file
from .kit import GOOD, GREY, N, Want, add, check, is_done, kind, line, png, row, segments

def places(*wants, **options): return kind('places', *wants, **options)
def good_is_done(told, n=1):
    done = [r for r in told.rows if r['status']=='ok']
    return len(done)==n and all(is_done(r, N, 1) for r in done)

def mentions(said, n=1, codes=(0,1)):
    "`n` images are done, and a line or a row mentions what isn't"
    def holds(t, _):
        errors = ' '.join(r['error']+' '+r['image'] for r in t.rows if r['status']=='error')
        return t.code in codes and good_is_done(t, n) and bool(re.search(said, t.err+errors, re.I))
    return Want('told', holds, f'{n} images done, {said} mentioned')

def done(n, flags=''):
    "`n` images are done, and nothing else; one has a flag"
    def holds(told):
        whole = told.code==0 and len(told.rows)==n and good_is_done(told, n)
        return whole and any(re.search(flags, r['flags']) for r in told.rows)
    return check(holds, 'right', f'{n} images done {flags}')

def link(w, name, target):
    path = w.inside/name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path

def elsewhere(w, name='elsewhere/a.png', data=None):
    path = w/name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or png())
    return path

@places(mentions('link'), done(2))
def link_to_a_folder(w): link(w, 'slides', elsewhere(w).parent)

@places(mentions('link'), done(1))
def link_to_the_folder_above(w): link(w, 'again', w.inside)

@places(mentions('link'), mentions('loop'))
def link_to_itself(w): link(w, 'self.png', w.inside/'self.png')

@places(mentions('link'))
def broken_link(w): link(w, 'gone.png', w/'nowhere.png')

@places(mentions('link'))
def broken_link_to_a_folder(w): link(w, 'gone', w/'nowhere')

@places(done(2))
def link_to_a_file_elsewhere(w): link(w, 'a.png', elsewhere(w))

@places(mentions('link'), done(1))
def link_to_a_file_beside(w): link(w, 'again.png', w.inside/'good.png')

@places(done(2, 'same file as'))
def same_bytes_twice(w):
    w.put('again.png', png(GOOD))
    w.made.clear()

@places(done(2, 'same file as'), mentions('link|same'))
def hard_link(w): os.link(w.inside/'good.png', w.inside/'hard.png')

@places(mentions('special|fifo|pipe|file'))
def fifo(w): os.mkfifo(w.inside/'pipe.png')

@places(mentions('special|device|file'), mentions('link'))
def link_to_a_device(w): link(w, 'zero.png', '/dev/zero')

def only(*places, out='out'):
    "A run over `places`"
    return lambda w: ['segment', *[w/p for p in places], '--out', w/out, '--engine', 'classic']

@places(mentions('missing'), argv=only('in','missing.png'))
def missing_name_beside_a_folder(w): pass

def one_failed(told): return told.code==1 and 'failed: bad.png' in told.err and len(told.rows)==1

@places(check(one_failed, 'row'), argv=only('bads'))
def nothing_but_a_bad_image(w): elsewhere(w, 'bads/bad.png', b'no image')

@places(check(lambda t: t.code==0 and len(t.rows)==1, 'flag', 'a row'), argv=only('bads'))
def nothing_but_an_image_without_cells(w): elsewhere(w, 'bads/bad.png', png(np.full((200,200,3), 230, np.uint8)))

@places(line('missing'), argv=only('missing'))
def missing_folder(w): pass

@places(line('pipe|such|special|file'), check(lambda t: t.code==1 and 'pipe.png' in t.err, 'row', 'a row'),
    argv=only('pipe.png'))
def fifo_by_name(w): os.mkfifo(w/'pipe.png')

@places(line('empty'), argv=only('empty'))
def empty_folder(w): (w/'empty').mkdir()

@places(done(1), argv=only('in','in'))
def folder_twice(w): pass

@places(done(1), argv=only('in','in/../in/./good.png'))
def file_by_two_ways(w): pass

@places(done(2), argv=only('in','in/day1'))
def folder_and_its_subfolder(w):
    w.put('day1/a.png')
    w.made.clear()

@places(done(2), argv=only('in/day1'))
def subfolder_later(w):
    "Counted twice, under two names"
    w.put('day1/a.png')
    segments(w)
    w.made.clear()

@places(done(2), argv=only('in'))
def subfolder_earlier(w):
    w.put('day1/a.png')
    segments(w, of=w/'in/day1')
    w.made.clear()

@places(done(2), argv=only('elsewhere/in'))
def moved_folder(w):
    "The same images under another path later"
    w.put('a.png')
    segments(w)
    shutil.move(w.inside, w/'elsewhere/in')
    w.made.clear()

@places(mentions('under the same name'), argv=only('elsewhere/in'))
def copied_folder(w):
    "A copy of the images, while those that were segmented are still there"
    segments(w)
    shutil.copytree(w.inside, w/'elsewhere/in')

@places(done(2), mentions('name'), argv=only('one/a.png','two/a.png'))
def two_files_of_one_name(w): elsewhere(w, 'one/a.png'), elsewhere(w, 'two/a.png', png(GOOD))

@places(done(2), mentions('name'), argv=only('x/slides','y/slides'))
def two_folders_of_one_name(w): elsewhere(w, 'x/slides/a.png'), elsewhere(w, 'y/slides/a.png', png(GOOD))

@places(check(lambda t: t.code in (0,2) and (t.world.inside/'good.png').read_bytes()==png(GOOD), 'right',
    'the image as it was'), argv=only('in', out='in'))
def out_is_the_folder(w): pass

def kept_and_named(told, path):
    "Is a mask that a person made as it was, and told?"
    return (told.world/path).read_bytes()==png(GREY*0+1) and told.code in (1,2) and 'good_mask.png' in told.err

@places(check(lambda t: kept_and_named(t, 'in/good_mask.png'), 'line', 'the mask made by hand kept'),
    argv=only('in', out='in'))
def out_is_the_folder_with_masks_of_a_person(w): write_file(w/'in/good_mask.png', png(GREY*0+1))

@places(check(lambda t: kept_and_named(t, 'labelled/masks/good_mask.png'), 'line', 'the mask made by hand kept'),
    argv=only('in', out='labelled/masks'))
def out_is_masks_made_by_hand(w): write_file(w/'labelled/masks/good_mask.png', png(GREY*0+1))

@places(done(1), argv=only('in', out='in/results'))
def out_inside_the_folder(w): w.out = w.inside/'results'

@places(done(1), argv=only('in', out='in/results'))
def out_inside_the_folder_again(w):
    w.out = w.inside/'results'
    segments(w)

@places(line('out'), argv=only('in', out='out'))
def out_is_a_file(w): w.out.write_text('a person wrote this')

@places(check(lambda t: t.code==2 and 'out' in t.err and not (t.world/'images.csv').exists(), 'line',
    'a line with out'),
    argv=lambda w: ['segment', w.inside, '--out', '', '--engine', 'classic'])
def out_is_empty(w): pass

@places(line('empty|such'), check(lambda t: t.code==2 and 'empty' in t.err, 'line', 'a line'),
    argv=lambda w: ['segment', '', '--out', w.out, '--engine', 'classic'])
def place_is_empty(w): pass

@places(line('out|directory|folder'), argv=only('in', out='a'*300+'/out'))
def out_is_too_long(w): pass

for name in 'report.html','images.csv':
    add('places', f'folder_called_{name}', lambda w, name=name: (w.out/name).mkdir(parents=True),
        mentions(re.escape(name), codes=(0,1,2)), line(re.escape(name)))
for end in 'mask.png','cells.json':
    def put(w, end=end):
        (w.out/f'bad_{end}').mkdir(parents=True)
        w.put('bad.png')
    add('places', f'folder_called_bad_{end}', put, row(f'bad_{end}'))

def only_inside(code):
    "A line about a link, and nothing written elsewhere"
    def held(t): return t.code==code and 'by a link' in t.err and not any((t.world/'elsewhere').iterdir())
    return check(held, 'line', 'nothing written elsewhere')

def linked_results(w, name, to='elsewhere'):
    "A folder of results in which `name` is a link to a place elsewhere"
    for folder in w.out,w/'elsewhere': folder.mkdir(exist_ok=True)
    (w.out/name).symlink_to(w/to)

@places(only_inside(1))
def results_in_a_link(w):
    w.put('day1/a.png')
    linked_results(w, 'day1')

@places(only_inside(1), argv=lambda w: ['masks', w.inside, '--out', w.out])
def masks_in_a_link(w): linked_results(w, 'masks')

for name in '.lock','.written.sha256':
    def put_link(w, name=name): linked_results(w, name, 'elsewhere/new')
    add('places', f'link_called{name}', put_link, only_inside(2), good=False)

@places(done(1))
def pipe_called_lock(w):
    w.out.mkdir()
    os.mkfifo(w.out/'.lock')

@places(line('pipe|special'), good=False)
def pipe_called_written(w):
    w.out.mkdir()
    os.mkfifo(w.out/'.written.sha256')

NOBODY = ('setpriv','--reuid=65534','--regid=65534','--clear-groups') if os.geteuid()==0 else ()
def forbid(path):
    path.chmod(0)
    return path
def open_to_all(w):
    for folder in w.folder, *w.folder.parents:
        if folder.owner()==Path.home().owner() and folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o755)
    w.out.mkdir(exist_ok=True)
    w.out.chmod(0o777)
def as_nobody(*wants): return kind('places', *wants, alone=True, before=NOBODY, good=False)

@as_nobody(mentions('permission'))
def file_without_permission(w):
    open_to_all(w)
    forbid(elsewhere(w, 'in/closed.png'))

@as_nobody(mentions('permission'))
def folder_without_permission(w):
    open_to_all(w)
    forbid(elsewhere(w, 'in/closed/a.png').parent)

@as_nobody(check(lambda t: t.code==2 and 'ermission' in t.err and str(t.world.out) in t.err, 'line',
    'a line with the folder'))
def out_without_permission(w):
    open_to_all(w)
    w.out.chmod(0o555)

@as_nobody(mentions('permission', n=1), row('permission'))
def link_to_a_folder_without_permission(w):
    open_to_all(w)
    closed = elsewhere(w, 'closed/a.png')
    link(w, 'a.png', closed)
    forbid(closed.parent)
