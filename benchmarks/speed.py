"""Seconds per 1024x1024 image and stage, on simulated smears, and pairs a second of the paper's synthesis; one after the other in one run.
Then networks side by side: the shipped model and other FILEs, by ONNX Runtime, and in bfloat16 by OpenVINO where that is installed.
usage: python benchmarks/speed.py [FILE...]   (on one core: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/speed.py)"""
import os, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
import cv2, numpy as np, pandas as pd
from rbc_overlap.core import overlay, read_image, to_png, write_file
from rbc_overlap.light import View, absorbance
from rbc_overlap.classic import find_objects
from rbc_overlap.cells import complete_cells, pieces, may_be_clump, typical_diameter, watershed_cells
from rbc_overlap.measures import clump_table, image_stats, mark, measure
from rbc_overlap.segment import MODEL, Model, measure_cells, predict, segment, shipped_model
from rbc_overlap.smear import simulate
from rbc_overlap.synthesis import draw_weight, i_min, i_over, maybe_blur, mix, overlap_itself, overlap_pair, sum_masks

if len(os.sched_getaffinity(0))==1: cv2.setNumThreads(1)

def clock(f, *args):
    start = time.perf_counter()
    out = f(*args)
    return out, time.perf_counter()-start

def stages(seed):
    "Seconds of each stage on one smear"
    smear,t = clock(lambda: simulate((1024,1024), n=300, seed=seed))
    row = {'simulate, 300 cells': t}
    _,row['absorbance'] = clock(absorbance, smear.image)
    _,row['paper'] = clock(find_objects, smear.image, 'paper')
    with TemporaryDirectory() as d:
        write_file(f'{d}/a.png', to_png(smear.image))
        image,row['read PNG'] = clock(read_image, f'{d}/a.png')
    (diameter,_,_,level),row['measure cells'] = clock(measure_cells, image)
    view,row['view'] = clock(View, image, diameter, level)
    x,row['relative absorbance'] = clock(view.window)
    _,row['network, halo, classes'] = clock(predict, shipped_model(), view, image.shape[:2])
    _,row['segment, model'] = clock(segment, image)
    row['file to mask'] = row['read PNG']+row['segment, model']
    _,row['segment, classic'] = clock(segment, smear.image, 'classic')
    segmentation = segment(image)
    mask = segmentation.mask
    size,row['size of cells'] = clock(typical_diameter, mask, diameter)
    cells,row['cells'] = clock(complete_cells, mask, size, None, None, segmentation.candidates)
    row['clumps'] = sum(may_be_clump(p, size) for p in pieces(mask))
    (table,clumps),row['measures'] = clock(lambda: (measure(cells, mask.shape), clump_table(cells, mask)))
    _,row['counts of the image'] = clock(lambda: image_stats(mask, mark(table, cells, mask.shape, diameter), clumps, diameter))
    _,row['watershed'] = clock(watershed_cells, mask)
    _,row['overlay to PNG'] = clock(lambda: to_png(overlay(smear.image, mask, cells=cells)))
    return row

stages(0) # the first call loads libraries
table = pd.DataFrame([stages(s) for s in range(1, 6)])
print(f'{len(os.sched_getaffinity(0))} cores; seconds per 1024x1024')
print(pd.DataFrame(dict(median=table.median(), min=table.min(), max=table.max())).round(3).to_string())

def pairs(seed, n=100, size=300):
    "Pairs a second of each step of the paper's synthesis, on crops of 300x300"
    rng = np.random.default_rng(seed)
    a,b = [simulate((size,size), n=25, overlap=0, touching=0, seed=2*seed+i) for i in (0,1)]
    low,over = i_min(a.image, b.image),i_over(a.image, b.image, b.mask)
    steps = {'minimum': lambda: i_min(a.image, b.image), 'drawn over': lambda: i_over(a.image, b.image, b.mask),
        'mix': lambda: mix(low, over, draw_weight(rng)), 'blur of a half': lambda: maybe_blur(low, rng), 'sum of masks': lambda: sum_masks(a.mask, b.mask),
        'all: overlap_pair': lambda: overlap_pair(a.image, a.mask, b.image, b.mask, rng), 'rouleaux': lambda: overlap_itself(a.image, a.mask, rng)}
    return {name: n/clock(lambda: [f() for _ in range(n)])[1] for name,f in steps.items()}

table = pd.DataFrame([pairs(s) for s in range(5)])
print('\npairs of 300x300 a second')
print(pd.DataFrame(dict(median=table.median(), min=table.min(), max=table.max())).round(0).astype(int).to_string())

def openvino(file):
    "The network of `file` in bfloat16 by OpenVINO; None where that isn't installed"
    try: import openvino as ov
    except ImportError: return None
    compiled = ov.Core().compile_model(file, 'CPU', dict(INFERENCE_PRECISION_HINT='bf16', INFERENCE_NUM_THREADS=len(os.sched_getaffinity(0))))
    return lambda x: compiled(x)

x = np.random.default_rng(0).normal(.5, .5, (1,3,1120,1120)).astype(np.float32) # 1024x1024 px with cells of 37 px
runs = {}
for file in [MODEL]+sys.argv[1:]:
    session = Model(file).session
    runs[f'{Path(file).name}, ONNX Runtime'] = lambda x,s=session: s.run(None, dict(image=x))
    if vino := openvino(str(file)): runs[f'{Path(file).name}, OpenVINO bf16'] = vino
for run in runs.values(): run(x)
table = pd.DataFrame([{name: clock(run, x)[1] for name,run in runs.items()} for _ in range(7)])
print('\nnetworks, seconds per 1120x1120')
print(pd.DataFrame(dict(median=table.median(), min=table.min(), max=table.max())).round(3).to_string())
