"""Inputs that go wrong somewhere, made on the spot: each kind is a function that puts one into a folder, and says which
outcome is right. Beside each bad image lies a good one, which must be done as ever.

usage: bad_inputs.py [WORD...]   tries the kinds of a group WORD or with a WORD in their name: what fails, and a table

right: the numbers of the plain image; row: images.csv names the error; line: exit code 2, one line names the file;
flag: done, and a flag says what is odd; told: done, a line says what was left out; other: anything else, a defect."""
import sys, tempfile, time
from bad import files, damage, bombs, fields, sizes, names, places, results, models, labels # each adds its kinds
from bad.kit import KINDS, outcome, table

def try_kinds(wanted):
    "Try the kinds whose group or name holds one of the words `wanted`, or all; how many are wrong"
    outcomes = {}
    for name,k in KINDS.items():
        if wanted and not any(w in name or w==k.group for w in wanted): continue
        started = time.time()
        with tempfile.TemporaryDirectory() as folder: outcomes[name],wrong = outcome(k, folder)
        seconds = time.time()-started
        if wrong or seconds>3: print(f'{k.group}, {name} ({seconds:.1f} s): {wrong or "right, but slow"}', flush=True)
    print(table(outcomes))
    return sum(word=='other' for word in outcomes.values())

if __name__=='__main__': sys.exit(try_kinds(sys.argv[1:])>0)
