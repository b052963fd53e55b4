"""Programs that count cells, side by side on the same images: seconds per image, error of the number of cells, and F1 of whole cells at IoU 0.5.
usage: python benchmarks/others.py --out DIR [FOLDER] [--images 3] [--rounds 2] [--only ours,imagej] [--python cbc=/venv/bin/python ...]
FOLDER is labelled (images/, cells.coco.json); its first images are taken. Without one: simulated smears of 1024x1024 px with 300 cells.
DIR/others.csv has the table, DIR/NAME what each program found. Each one is told how large a cell is, but ours, which measures it.
ours      image file to measured cells, as `rbc-overlap segment` does it
skimage   scikit-image's example of a watershed: Otsu's threshold of the green channel, holes filled, maxima of the distance
imagej    watershed.ijm beside this file; needs Debian's imagej and xvfb
cbc       PyPI's `cbc` 1.1.0: a U-Net trained on red cells and Hough circles, with its weights; it is made for cells of 56 to 110 px, so images
          are enlarged until a cell has 70 px. Needs `pip download --no-deps cbc`, unpacked, its folder cbc-1.1.0.data in $CBC, and in a Python of
          its own `tensorflow-cpu tf_keras opencv-python-headless matplotlib scipy` (those that it asks for are gone from Python 3.11 on)
cellpose  the network of Cellpose 4 with random weights, since its weights aren't on PyPI: speed alone. One tile of 256x256 is timed, and taken as often
          as Cellpose takes tiles of the image; without making masks. Needs torch and `pip install --no-deps cellpose segment_anything fastremap fill-voids natsort`
A program that isn't there is a row that says so. Seconds are without start and first image. On a machine with other work, read `cpu` (user and
system, all threads), not `wall`. cbc and cellpose take minutes an image, so they get one image and one round; all in all, 15 minutes on 2 cores."""
import argparse, json, os, resource, subprocess, sys, time
from math import ceil, pi
from pathlib import Path

CORES = '2'

# ---- the programs: each gives a function from an image file to its cells ---------------------------------------------------

def ours(diameter):
    from rbc_overlap.core import read_image
    from rbc_overlap.measures import analyse
    return lambda file: analyse(read_image(file)).cells

def skimage(diameter):
    import numpy as np
    from scipy import ndimage as ndi
    from skimage import feature, filters, io, morphology, segmentation
    def find(file):
        green = filters.gaussian(io.imread(file)[...,1], 1)
        cells = ndi.binary_fill_holes(green<filters.threshold_otsu(green))
        cells = morphology.remove_small_objects(cells, max_size=int(.3*pi/4*diameter**2))
        distance = ndi.distance_transform_edt(cells)
        peaks = feature.peak_local_max(distance, min_distance=round(diameter/4), labels=ndi.label(cells)[0])
        markers = np.zeros(cells.shape, int)
        markers[tuple(peaks.T)] = range(1, len(peaks)+1)
        return segmentation.watershed(-distance, markers, mask=cells)
    return find

def cbc(diameter):
    "The script of the package with its two missing pieces put in: an import that it doesn't use, and the place of its weights"
    os.environ |= dict(TF_USE_LEGACY_KERAS='1', TF_NUM_INTRAOP_THREADS=CORES, CUDA_VISIBLE_DEVICES='')
    import shutil, tempfile, types
    import cv2, numpy as np
    root = Path(os.environ['CBC'])
    source = (root/'scripts'/'cbc').read_text().replace('/usr/share/cbc', f'{root}/data/share/cbc')
    sys.modules['tensorflow_addons'] = types.ModuleType('tensorflow_addons')
    script = dict(__name__='cbc')
    exec(compile(source, 'cbc', 'exec'), script)
    tmp = Path(tempfile.mkdtemp())
    script |= dict(cell_type='rbc', model_name='rbc', output_directory=str(tmp/'out'))
    exec("net = do_unet()", script)
    script['do_unet'] = lambda: script['net']
    def find(file):
        image = cv2.imread(str(file))
        cv2.imwrite(str(tmp/'large.png'), cv2.resize(image, None, fx=70/diameter, fy=70/diameter, interpolation=cv2.INTER_CUBIC))
        shutil.rmtree(tmp/'out', ignore_errors=True)
        script['predict'](str(tmp/'large.png'))
        edges = cv2.imread(str(tmp/'out/edge.png'), 0)
        circles = cv2.HoughCircles(edges, cv2.HOUGH_GRADIENT, 1, minDist=33, maxRadius=55, minRadius=28, param1=30, param2=20) # as `cbc -CHT` does
        labels = np.zeros(image.shape[:2], np.uint16)
        circles = np.zeros((0,3)) if circles is None else circles[0]-(100,100,0) # what it writes has 100 px more on each side
        for i,(x,y,r) in enumerate(circles*diameter/70, 1): cv2.circle(labels, (round(x),round(y)), round(r), i, -1)
        return labels
    return find

def cellpose(diameter):
    import numpy as np, torch
    from cellpose.vit import CPSAM
    torch.set_num_threads(int(CORES))
    net = CPSAM(dtype=torch.float32).eval()
    @torch.no_grad()
    def find(file): net(torch.rand(1, 3, 256, 256))
    return find

PYTHON = dict(ours=ours, skimage=skimage, cbc=cbc, cellpose=cellpose)
SLOW = 'cbc','cellpose'

def work(name, job):
    "In a process of its own: start program `name`, find the cells of the first image once, then time all; of a slow one at once"
    job = json.loads(Path(job).read_text())
    find,out = PYTHON[name](job['diameter']),Path(job['out'])
    files = {Path(f).stem: f for f in job['files']}
    if name not in SLOW: find(job['files'][0])
    seconds = {}
    for stem,file in files.items():
        wall,cpu = time.perf_counter(),time.process_time()
        found = find(file)
        seconds[stem] = time.perf_counter()-wall, time.process_time()-cpu
        if name=='ours': keep_cells(out/f'{stem}_cells.json', found, stem, file)
        elif found is not None: keep_labels(out/f'{stem}_labels.tif', found)
    (out/'seconds.json').write_text(json.dumps(seconds))

def keep_labels(path, labels):
    import cv2
    cv2.imwrite(str(path), labels.astype('uint16'))

def keep_cells(path, cells, stem, file):
    from rbc_overlap.core import coco, read_image, write_file
    write_file(path, json.dumps(coco([(cells, read_image(file).shape[:2], stem)]), default=float))

# ---- how they are run -------------------------------------------------------------------------------------------------------

def run(command, env=()):
    "(wall, CPU) seconds of a command; RuntimeError with its last words where it fails"
    before,started = resource.getrusage(resource.RUSAGE_CHILDREN),time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | dict(env))
    wall,after = time.perf_counter()-started,resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode: raise RuntimeError((done.stderr.strip() or 'failed').splitlines()[-1])
    return wall, after.ru_utime+after.ru_stime-before.ru_utime-before.ru_stime

def run_imagej(files, out, diameter):
    "{stem: (wall, CPU)}: what all images took beyond the first alone, shared out among the others"
    seconds = []
    for part in files[:1],[files[0], *files]:
        listed = '\n'.join(f'{f}\t{out}/{Path(f).stem}_labels.tif' for f in part)
        (out/'list.txt').write_text(f'{.3*pi/4*diameter**2:.0f}\n{listed}\n')
        macro = Path(__file__).with_name('watershed.ijm')
        seconds.append(run(['xvfb-run', '-a', 'java', '-Xmx1g', '-jar', '/usr/share/java/ij.jar', '-batch', str(macro), str(out/'list.txt')]))
    each = [(b-a)/len(files) for a,b in zip(*seconds)]
    return {Path(f).stem: each for f in files}

def run_python(name, files, out, diameter, python):
    (out/'job.json').write_text(json.dumps(dict(files=files, out=str(out), diameter=diameter)))
    env = dict(OMP_NUM_THREADS=CORES, TF_CPP_MIN_LOG_LEVEL='3')
    run([python, __file__, '--work', name, str(out/'job.json')], env)
    return json.loads((out/'seconds.json').read_text())

def tiles(shape): return ceil(1.2*shape[0]/256)*ceil(1.2*shape[1]/256) # as cellpose.transforms.make_tiles has it

# ---- the table ----------------------------------------------------------------------------------------------------------------

def scores(out, truth):
    "Error of the count and F1 over the images that were done, without what lies where the truth is unknown"
    import pandas as pd
    from rbc_overlap.core import known_cells
    from rbc_overlap.folders import find_cells, load_cells
    from rbc_overlap.scores import cell_counts, cell_scores
    counts = []
    for stem,source in find_cells(out).items():
        if stem not in truth: continue
        true,unknown = truth[stem]
        cells,shape = load_cells(source)
        counts.append(cell_counts(known_cells(cells, unknown), true, shape))
    if not counts: return dict(images=1)
    n = pd.DataFrame(counts)
    s = cell_scores(n)
    return dict(images=len(n), cells=n.cells.sum(), found=n.predicted_cells.sum(), count_error=s['image_count_mape'], f1_50=s['f1_50'])

def images_of(folder, n):
    "(image files, {stem: (cells, where the truth is unknown)}, diameter) of the first `n` images of a labelled folder"
    import numpy as np
    from rbc_overlap.core import UNKNOWN, cell_diameter, read_mask
    from rbc_overlap.folders import find_cells, labelled_images, latest_masks, load_cells
    images,masks,truth = labelled_images(folder),latest_masks(folder),{}
    for name,source in list(find_cells(folder).items())[:n]: truth[Path(name).stem] = load_cells(source)[0], read_mask(masks[name])==UNKNOWN
    files = [str(f) for f in images.values() if f.stem in truth]
    areas = [c.area for cells,_ in truth.values() for c in cells if not c.clump]
    return files, truth, float(cell_diameter(np.median(areas)))

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folder', type=Path, nargs='?')
    p.add_argument('--out', type=Path, required=True)
    p.add_argument('--images', type=int, default=3)
    p.add_argument('--rounds', type=int, default=2)
    p.add_argument('--only', default='ours,skimage,imagej,cbc,cellpose')
    p.add_argument('--python', nargs='*', default=[], metavar='NAME=PYTHON')
    args = p.parse_args()
    import pandas as pd
    from rbc_overlap.smear import save_labelled, simulate
    if not args.folder:
        args.folder = args.out/'simulated'
        save_labelled([simulate((1024,1024), n=300, seed=i) for i in range(args.images)], args.folder)
    files,truth,diameter = images_of(args.folder, args.images)
    pythons = dict(a.split('=', 1) for a in args.python)
    times,missing = {name: [] for name in args.only.split(',')},{}
    for r in range(args.rounds):
        for name in times:
            if name in missing or (r and name in SLOW): continue
            out = args.out/name
            out.mkdir(parents=True, exist_ok=True)
            of = files[:1] if name in SLOW else files
            try:
                if name=='imagej': seconds = run_imagej(of, out, diameter)
                else: seconds = run_python(name, of, out, diameter, pythons.get(name, sys.executable))
            except (OSError, RuntimeError) as e: missing[name] = str(e)
            else: times[name] += seconds.values()
            print(name, r+1, missing.get(name, 'done'), flush=True)
    rows = []
    for name,seconds in times.items():
        if name in missing: rows.append(dict(program=name, note=f'not run: {missing[name]}'))
        else:
            wall,cpu = pd.DataFrame(seconds).median()
            note,shape = '',truth[Path(files[0]).stem][1].shape
            if name=='cellpose': wall,cpu,note = wall*tiles(shape),cpu*tiles(shape),f'random weights; one tile x {tiles(shape)}'
            rows.append(dict(program=name, wall=wall, cpu=cpu, **scores(args.out/name, truth), note=note))
    table = pd.DataFrame(rows)
    table.to_csv(args.out/'others.csv', index=False, float_format='%.4g')
    print(f'seconds per image of {truth[Path(files[0]).stem][1].shape} px, {CORES} cores, cells of {diameter:.0f} px')
    print(table.round(3).to_string(index=False, na_rep='-'))

if __name__=='__main__': work(*sys.argv[2:]) if sys.argv[1:2]==['--work'] else main()
