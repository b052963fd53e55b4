"""IoU per class of a model on labelled folders with truth, mean over images (std) and pooled, of the network's mask and of that of the cells,
which a run writes; with --write both go into the model's card.
usage: python benchmarks/scores.py NAME=FOLDER... [--model FILE] [--write]    such as gold/chula=DATA/gold/chula"""
import argparse, json
from pathlib import Path
import pandas as pd
from rbc_overlap.cells import complete_cells
from rbc_overlap.core import cells_mask, write_file
from rbc_overlap.scores import paper_table, score_mask
from rbc_overlap.dataset import labelled
from rbc_overlap.segment import MODEL, Model, segment
from tqdm import tqdm

def score(model, folder):
    "{'network', 'cells': (table as the paper has it, number of images, of those with an overlap IoU)}"
    rows,counts = dict(network=[], cells=[]),dict(network=0, cells=0)
    for item in tqdm(labelled(folder, gold=True), Path(folder).name):
        image,truth = item.read()
        seg = segment(image, model=model)
        cells = complete_cells(seg.mask, guess=seg.diameter, candidates=seg.candidates)
        for k,mask in dict(network=seg.mask, cells=cells_mask(cells, truth.shape)).items():
            row,n = score_mask(mask, truth)
            rows[k],counts[k] = rows[k]+[row],counts[k]+n
    images = {k: pd.DataFrame(v) for k,v in rows.items()}
    return {k: (paper_table(v, counts[k]), len(v), int(v.over.notna().sum())) for k,v in images.items()}

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('folders', nargs='+', metavar='NAME=FOLDER')
    p.add_argument('--model', type=Path, default=MODEL)
    p.add_argument('--write', action='store_true')
    args = p.parse_args()
    model = Model(args.model)
    for name,_,folder in (f.partition('=') for f in args.folders):
        model.card.setdefault('scores', {})[name] = {}
        for k,(table,n,overlaps) in score(model, folder).items():
            print(f'\n{name}, {k}: {n} images, {overlaps} with 200 px of overlap or more\n{table.round(3).to_string()}')
            what = dict(images=n, with_overlap=overlaps) | {r: table.loc[r].round(4).to_dict() for r in ('mean','std','pooled')}
            model.card['scores'][name][k] = what
    if args.write:
        import onnx
        file = onnx.load(str(args.model))
        onnx.helper.set_model_props(file, dict(card=json.dumps(model.card)))
        write_file(args.model, file.SerializeToString())

if __name__=='__main__': main()
