"Hands the metadata and requirement lists of settings.ini to setuptools."
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup, find_packages

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='])
cfg.read(here/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']
extras = {k.removesuffix('_requirements'): v.split() for k, v in cfg.items() if k.endswith('_requirements')}
version = (here/'rbc_overlap'/'__init__.py').read_text().split('__version__ = "')[1].split('"')[0]

setup(
    version=version,
    description=cfg['description'],
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    license=cfg['license'],
    keywords=cfg['keywords'].split(),
    python_requires='>=' + cfg['min_python'],
    classifiers=['Intended Audience :: Science/Research', 'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Image Recognition', 'Topic :: Scientific/Engineering :: Medical Science Apps.'],
    packages=find_packages(include=['rbc_overlap', 'rbc_overlap.*']),
    include_package_data=True,
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': [cfg['console_scripts']], 'nbdev': ['rbc_overlap=rbc_overlap._modidx:d'],
        'napari.manifest': ['rbc_overlap=rbc_overlap:napari.yaml']})
