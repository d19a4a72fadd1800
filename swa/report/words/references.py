"""The literature that the methods text cites, as BibTeX."""

from collections.abc import Iterable

# Key: how it is cited in a text, the kind of entry, and its fields.
REFERENCES: dict[str, tuple[str, str, dict[str, str]]] = {
    "benjamini1995": (
        "Benjamini & Hochberg, 1995",
        "article",
        {
            "author": "Benjamini, Yoav and Hochberg, Yosef",
            "title": "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
            "journal": "Journal of the Royal Statistical Society: Series B",
            "year": "1995",
            "volume": "57",
            "number": "1",
            "pages": "289--300",
            "doi": "10.1111/j.2517-6161.1995.tb02031.x",
        },
    ),
    "brunner1996": (
        "Brunner et al., 1996",
        "article",
        {
            "author": "Brunner, D. P. and Vasko, R. C. and Detka, C. S. and Monahan, J. P. and Reynolds, C. F. and "
            "Kupfer, D. J.",
            "title": "Muscle artifacts in the sleep {EEG}: automated detection and effect on all-night {EEG} power "
            "spectra",
            "journal": "Journal of Sleep Research",
            "year": "1996",
            "volume": "5",
            "number": "3",
            "pages": "155--164",
            "doi": "10.1046/j.1365-2869.1996.00009.x",
        },
    ),
    "carrier2011": (
        "Carrier et al., 2011",
        "article",
        {
            "author": "Carrier, Julie and Viens, Isabelle and Poirier, Ga{\\'e}tan and Robillard, R{\\'e}becca and "
            "Lafortune, Marjolaine and Vandewalle, Gilles and Martin, Nicolas and Barakat, Marc and Paquet, Jean and "
            "Filipini, Daniel",
            "title": "Sleep slow wave changes during the middle years of life",
            "journal": "European Journal of Neuroscience",
            "year": "2011",
            "volume": "33",
            "number": "4",
            "pages": "758--766",
            "doi": "10.1111/j.1460-9568.2010.07543.x",
        },
    ),
    "duncan2013": (
        "Duncan et al., 2013",
        "article",
        {
            "author": "Duncan, Wallace C. and Sarasso, Simone and Ferrarelli, Fabio and Selter, Jessica and Riedner, "
            "Brady A. and Hejazi, Nadia S. and Yuan, Peixiong and Brutsche, Nancy and Manji, Husseini K. and Tononi, "
            "Giulio and Zarate, Carlos A.",
            "title": "Concomitant {BDNF} and sleep slow wave changes indicate ketamine-induced plasticity in major "
            "depressive disorder",
            "journal": "International Journal of Neuropsychopharmacology",
            "year": "2013",
            "volume": "16",
            "number": "2",
            "pages": "301--311",
            "doi": "10.1017/S1461145712000545",
        },
    ),
    "esser2007": (
        "Esser et al., 2007",
        "article",
        {
            "author": "Esser, Steve K. and Hill, Sean L. and Tononi, Giulio",
            "title": "Sleep homeostasis and cortical synchronization: {I}. {M}odeling the effects of synaptic strength "
            "on sleep slow waves",
            "journal": "Sleep",
            "year": "2007",
            "volume": "30",
            "number": "12",
            "pages": "1617--1630",
            "doi": "10.1093/sleep/30.12.1617",
        },
    ),
    "feinberg1979": (
        "Feinberg & Floyd, 1979",
        "article",
        {
            "author": "Feinberg, I. and Floyd, T. C.",
            "title": "Systematic trends across the night in human sleep cycles",
            "journal": "Psychophysiology",
            "year": "1979",
            "volume": "16",
            "number": "3",
            "pages": "283--291",
            "doi": "10.1111/j.1469-8986.1979.tb02991.x",
        },
    ),
    "hartigan1969": (
        "Hartigan, 1969",
        "article",
        {
            "author": "Hartigan, J. A.",
            "title": "Using subsample values as typical values",
            "journal": "Journal of the American Statistical Association",
            "year": "1969",
            "volume": "64",
            "number": "328",
            "pages": "1303--1317",
            "doi": "10.1080/01621459.1969.10501057",
        },
    ),
    "holm1979": (
        "Holm, 1979",
        "article",
        {
            "author": "Holm, Sture",
            "title": "A simple sequentially rejective multiple test procedure",
            "journal": "Scandinavian Journal of Statistics",
            "year": "1979",
            "volume": "6",
            "number": "2",
            "pages": "65--70",
            "doi": "10.2307/4615733",
        },
    ),
    "jacobson1991": (
        "Jacobson & Truax, 1991",
        "article",
        {
            "author": "Jacobson, Neil S. and Truax, Paula",
            "title": "Clinical significance: a statistical approach to defining meaningful change in psychotherapy "
            "research",
            "journal": "Journal of Consulting and Clinical Psychology",
            "year": "1991",
            "volume": "59",
            "number": "1",
            "pages": "12--19",
            "doi": "10.1037/0022-006X.59.1.12",
        },
    ),
    "massimini2004": (
        "Massimini et al., 2004",
        "article",
        {
            "author": "Massimini, Marcello and Huber, Reto and Ferrarelli, Fabio and Hill, Sean and Tononi, Giulio",
            "title": "The sleep slow oscillation as a traveling wave",
            "journal": "Journal of Neuroscience",
            "year": "2004",
            "volume": "24",
            "number": "31",
            "pages": "6862--6870",
            "doi": "10.1523/JNEUROSCI.1318-04.2004",
        },
    ),
    "molle2002": (
        "Mölle et al., 2002",
        "article",
        {
            "author": 'M{\\"o}lle, Matthias and Marshall, Lisa and Gais, Steffen and Born, Jan',
            "title": "Grouping of spindle activity during slow oscillations in human non-rapid eye movement sleep",
            "journal": "Journal of Neuroscience",
            "year": "2002",
            "volume": "22",
            "number": "24",
            "pages": "10941--10947",
            "doi": "10.1523/JNEUROSCI.22-24-10941.2002",
        },
    ),
    "pernet2020": (
        "COBIDAS-MEEG; Pernet et al., 2020",
        "article",
        {
            "author": "Pernet, Cyril and Garrido, Marta I. and Gramfort, Alexandre and Maurits, Natasha and Michel, "
            "Christoph M. and Pang, Elizabeth and Salmelin, Riitta and Schoffelen, Jan Mathijs and Valdes-Sosa, Pedro "
            "A. and Puce, Aina",
            "title": "Issues and recommendations from the {OHBM} {COBIDAS} {MEEG} committee for reproducible {EEG} and "
            "{MEG} research",
            "journal": "Nature Neuroscience",
            "year": "2020",
            "volume": "23",
            "pages": "1473--1483",
            "doi": "10.1038/s41593-020-00709-0",
        },
    ),
    "riedner2007": (
        "Riedner et al., 2007",
        "article",
        {
            "author": "Riedner, Brady A. and Vyazovskiy, Vladyslav V. and Huber, Reto and Massimini, Marcello and "
            "Esser, Steve and Murphy, Michael and Tononi, Giulio",
            "title": "Sleep homeostasis and cortical synchronization: {III}. {A} high-density {EEG} study of sleep "
            "slow waves in humans",
            "journal": "Sleep",
            "year": "2007",
            "volume": "30",
            "number": "12",
            "pages": "1643--1657",
            "doi": "10.1093/sleep/30.12.1643",
        },
    ),
    "rusterholz2010": (
        "Rusterholz et al., 2010",
        "article",
        {
            "author": 'Rusterholz, Thomas and D{\\"u}rr, Roland and Achermann, Peter',
            "title": "Inter-individual differences in the dynamics of sleep homeostasis",
            "journal": "Sleep",
            "year": "2010",
            "volume": "33",
            "number": "4",
            "pages": "491--498",
            "doi": "10.1093/sleep/33.4.491",
        },
    ),
    "tan2000": (
        "Tan et al., 2000",
        "article",
        {
            "author": "Tan, Xin and Campbell, Ian G. and Palagini, Laura and Feinberg, Irwin",
            "title": "High internight reliability of computer-measured {NREM} delta, sigma, and beta: biological "
            "implications",
            "journal": "Biological Psychiatry",
            "year": "2000",
            "volume": "48",
            "number": "10",
            "pages": "1010--1019",
            "doi": "10.1016/S0006-3223(00)00873-8",
        },
    ),
    "vallat2021": (
        "Vallat & Walker, 2021",
        "article",
        {
            "author": "Vallat, Raphael and Walker, Matthew P.",
            "title": "An open-source, high-performance tool for automated sleep staging",
            "journal": "eLife",
            "year": "2021",
            "volume": "10",
            "pages": "e70092",
            "doi": "10.7554/eLife.70092",
        },
    ),
    "welch1967": (
        "Welch, 1967",
        "article",
        {
            "author": "Welch, Peter D.",
            "title": "The use of fast {Fourier} transform for the estimation of power spectra: a method based on time "
            "averaging over short, modified periodograms",
            "journal": "IEEE Transactions on Audio and Electroacoustics",
            "year": "1967",
            "volume": "15",
            "number": "2",
            "pages": "70--73",
            "doi": "10.1109/TAU.1967.1161901",
        },
    ),
}


def cite(key: str) -> str:
    """How a text cites it: authors and year."""
    return REFERENCES[key][0]


def bibtex(keys: Iterable[str], version: str = "") -> str:
    """BibTeX entries in alphabetical order, and one of the program itself where its version is given."""
    entries = [_entry(key, *REFERENCES[key][1:]) for key in sorted(set(keys))]
    if version:
        program = {"author": "{swa developers}", "title": "{swa}: slow-wave activity compared between nights"}
        entries.append(_entry("swa", "misc", program | {"note": f"Version {version}"}))
    return "\n\n".join(entries) + "\n"


def _entry(key: str, kind: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
