"""Errors by cause of models on labelled folders with truth: px as a share of the true overlap's, and spots in brackets; then the errors that
section 2 of the paper names, the overlap IoU, and the measured diameter as a share of the true one, where cells.coco.json tells it.
usage: python benchmarks/errors.py NAME=FOLDER... [--models A.onnx B.onnx] [--gallery DIR]    such as valid=DATA/valid"""
import argparse
from pathlib import Path
import numpy as np, pandas as pd
from rbc_overlap.core import OVERLAP, read_image, read_mask, to_png, write_file
from rbc_overlap.errors import ERRORS, errors_by_cause, gallery, piece_counts, true_diameter
from rbc_overlap.folders import find_labels, load_cells, pair_names
from rbc_overlap.scores import confusion, score_mask
from rbc_overlap.segment import MODEL, Model, classify, measure_cells
from tqdm import tqdm

def cases(folder):
    "(image, truth, measured diameter, absorbance of cells, true diameter or nan) of each image of a labelled folder"
    labels = find_labels(folder, 'masks')
    images,cells = [pair_names(labels.masks, found, folder) for found in (labels.images, labels.cells)]
    for name,file in tqdm(labels.masks.items(), Path(folder).name):
        if images[name] is None: raise ValueError(f'{folder}/images: no image for {file}')
        image,truth = read_image(images[name]),read_mask(file)
        size,_,_,level = measure_cells(image)
        yield image, truth, size, level, true_diameter(*load_cells(cells[name])) if cells[name] else np.nan

def sorted_errors(mask, image, truth, diameter):
    "(`Errors`, counts of section 2, overlap IoU) of one image"
    errors,counts = errors_by_cause(image, mask, truth, diameter),confusion(mask, truth)
    assert errors.table.px.sum()==counts.sum()-np.trace(counts), 'causes that are not the errors'
    return errors, piece_counts(mask, truth, diameter), score_mask(mask, truth)[0]['over']

def column(found, overlap):
    "All that is told of one model: causes, sums, section 2, IoU"
    errors,pieces,ious = zip(*found)
    table = sum(e.table for e in errors)
    told = {f'{e}, all': table[table.index.str.startswith(e)].sum() for e in ERRORS} | dict(table.iterrows())
    shown = {c: f'{r.px/max(overlap, 1):.3f} ({r.spots})' for c,r in told.items() if r.px}
    return shown | pd.DataFrame(pieces).sum().to_dict() | {'overlap IoU, mean': f'{pd.Series(ious).mean():.3f}'}

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folders', nargs='+', metavar='NAME=FOLDER')
    p.add_argument('--models', nargs='+', type=Path, default=[MODEL])
    p.add_argument('--gallery', type=Path, metavar='DIR', help='write pictures of the worst spots there')
    args = p.parse_args()
    models = {f.stem: Model(f) for f in args.models}
    for name,_,folder in (f.partition('=') for f in args.folders):
        found,overlap,scale = {m: [] for m in models},0,[]
        for image,truth,size,level,true in cases(folder):
            diameter = next((d for d in (true, size) if d==d), 40.)
            for m,model in models.items(): found[m].append(sorted_errors(classify(model, image, size, level).mask, image, truth, diameter))
            overlap,scale = overlap+int((truth==OVERLAP).sum()), scale+[size/true]
        table = pd.DataFrame({m: column(f, overlap) for m,f in found.items()})
        order = [c for e in ERRORS for c in table.index if c.startswith(e)]
        print(f'\n{name}: {len(scale)} images, {overlap} px of true overlap')
        print(table.reindex(order+[c for c in table.index if c not in order]).fillna('-').to_string())
        if np.isfinite(scale).any(): print('measured diameter / true one: median {:.3f}, min {:.3f}, max {:.3f}'.format(*np.nanquantile(scale, [.5, 0, 1])))
        for m,f in found.items() if args.gallery else ():
            for what in 'overlap','cell': write_file(args.gallery/name/f'{m}_{what}.png', to_png(gallery([e for e,*_ in f], 6, what)))

if __name__=='__main__': main()
