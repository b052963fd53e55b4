"""Images per minute of a folder in which one file of 25 is broken, by one process, by two, and by a Dask cluster of two processes of which one is killed;
and a run by two processes that is killed (kill -9) twice and begun again. Do all end with the same tables? Prints a table; writes it to DIR/workers.csv.
usage: python benchmarks/workers.py DIR [--images 100] [--side 640]"""
import argparse, logging, os, signal, subprocess, sys, threading, time
from pathlib import Path
import numpy as np, pandas as pd
from rbc_overlap.core import to_png, write_file
from rbc_overlap.smear import simulate

COMMAND = [sys.executable, '-c', 'import sys; from rbc_overlap.cli import main; sys.exit(main())', 'segment']
BROKEN = b'', b'no image', b'\x89PNG\r\n\x1a\n then nothing', b'\xff\xd8\xff cut'

def make_images(folder, n, side):
    "Smears of which each comes in eight ways, mirrored and turned, and broken files"
    for i in range(n):
        if i%25==24: data = BROKEN[i//25%len(BROKEN)]
        else:
            if i%8==0 or i%25==0: image = simulate((side,side), n=side*side//3500, seed=i).image
            turned = np.rot90(image[::1 if i%8<4 else -1], i%4)
            data = to_png(np.ascontiguousarray(turned))
        write_file(folder/f'{i:04}.png', data)

def start(images, out, *options):
    with open(os.devnull, 'w') as silence:
        return subprocess.Popen([*COMMAND, str(images), '--out', str(out), *options], stdout=silence, stderr=silence)

def run(images, out, *options):
    start(images, out, *options).wait()

def killed_twice(images, out, seconds):
    for _ in range(2):
        process = start(images, out, '--workers', '2')
        time.sleep(seconds)
        process.kill()
        process.wait()
    run(images, out, '--workers', '2')

def cluster_with_one_killed(images, out, seconds):
    from dask.distributed import LocalCluster
    logging.getLogger('distributed').setLevel(logging.CRITICAL)
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        threading.Timer(seconds, os.kill, (victim, signal.SIGKILL)).start()
        run(images, out, '--scheduler', cluster.scheduler_address)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', type=Path)
    p.add_argument('--images', type=int, default=100)
    p.add_argument('--side', type=int, default=640)
    args = p.parse_args()
    images = args.out/'images'
    make_images(images, args.images, args.side)
    soon = args.images*.1
    ways = {'1 process': lambda out: run(images, out, '--workers', '1'), '2 processes': lambda out: run(images, out, '--workers', '2'),
        'Dask, one of 2 killed': lambda out: cluster_with_one_killed(images, out, soon), '2 processes, killed twice': lambda out: killed_twice(images, out, soon)}
    rows,first = [],None
    for way,do in ways.items():
        out = args.out/way.replace(' ', '_').replace(',', '')
        started = time.perf_counter()
        do(out)
        seconds = time.perf_counter()-started
        tables = [(out/f'{name}.csv').read_bytes() for name in ('images','cells','clumps')]
        first = first or tables
        status = pd.read_csv(out/'images.csv').status.value_counts()
        rows.append(dict(way=way, seconds=round(seconds, 1), per_minute=round(60*args.images/seconds), ok=status.get('ok', 0), failed=status.get('error', 0), same_tables=tables==first))
    table = pd.DataFrame(rows)
    table.to_csv(args.out/'workers.csv', index=False)
    print(table.to_string(index=False))

if __name__=='__main__': main()
