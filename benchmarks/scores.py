"""IoU per class of a model on labelled folders with truth, mean over images (std) and pooled; with --write they go into the model's card.
usage: python benchmarks/scores.py NAME=FOLDER... [--model FILE] [--write]    such as gold/chula=DATA/gold/chula"""
import argparse, json
from pathlib import Path
import pandas as pd
from rbc_overlap.core import write_file
from rbc_overlap.evaluation import paper_table, score_mask
from rbc_overlap.dataset import labelled
from rbc_overlap.segment import MODEL, Model, segment
from tqdm import tqdm

def score(model, folder):
    "(table as the paper has it, number of images, of those with an overlap IoU)"
    rows,counts = [],0
    for item in tqdm(labelled(folder, gold=True), Path(folder).name):
        image,truth = item.read()
        row,n = score_mask(segment(image, model=model).mask, truth)
        rows,counts = rows+[row],counts+n
    images = pd.DataFrame(rows)
    return paper_table(images, counts), len(images), int(images.over.notna().sum())

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('folders', nargs='+', metavar='NAME=FOLDER')
    p.add_argument('--model', type=Path, default=MODEL)
    p.add_argument('--write', action='store_true')
    args = p.parse_args()
    model = Model(args.model)
    for name,_,folder in (f.partition('=') for f in args.folders):
        table,n,overlaps = score(model, folder)
        print(f'\n{name}: {n} images, {overlaps} with 200 px of overlap or more\n{table.round(3).to_string()}')
        model.card.setdefault('scores', {})[name] = dict(images=n, with_overlap=overlaps) | {r: table.loc[r].round(4).to_dict() for r in ('mean','std','pooled')}
    if args.write:
        import onnx
        file = onnx.load(str(args.model))
        onnx.helper.set_model_props(file, dict(card=json.dumps(model.card)))
        write_file(args.model, file.SerializeToString())

if __name__=='__main__': main()
