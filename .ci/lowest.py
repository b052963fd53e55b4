"""Every notebook that isn't a tutorial, in an environment that already stands: for the job with the oldest versions allowed."""
import sys
from check import NBS, ROOT, report, runs

def main():
    results = []
    for path in sorted(NBS.glob('[0-9]*.ipynb')):
        _,passed,seconds = runs(path)
        results.append(report(passed, seconds, path.relative_to(ROOT)))
    print(f'{results.count(True)} passed, {results.count(False)} failed')
    return not all(results)

if __name__=='__main__': sys.exit(main())
