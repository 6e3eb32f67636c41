"""Word clusters of raw texts, agreement with word lists, similar words; cost of co-occurrence counts and neighbours.

    python -m benchmarks.network.terms [--only clusters,cost] [--texts novels,laws] [--out FILE]

Texts are cut by the built-in model. Agreement is normalized (NMI) and adjusted (AMI) mutual information of the clusters
with the THUOCL list (idioms, place names, finance, historical names) that a word stands in, for words in exactly one.
Settings were chosen on the words whose SHA-256 begins with an even byte, in a third of the novels; the other words
report. Louvain (python-louvain, the best modularity of ten seeds) and label propagation (networkx) cut the same graph
of nearest neighbours. NMI favours many clusters, AMI does not. Costs are CPU seconds and peak memory of whole processes
that read a million segmented words; scipy and nltk take signs for words and look past the ends of sentences, so they
count more pairs; the neighbours of scikit-learn are those of our profiles, whose making is in its figure.
"""

from __future__ import annotations

import hashlib
import lzma
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import measure
from benchmarks.network.graphs import agreement

TEXTS = {"novels": "raw-novels/novels.txt.xz", "laws": "domain-law/laws.txt.xz"}
LISTS = ("chengyu", "diming", "caijing", "lishimingren")
ASKED = {
    "novels": ("皇帝", "酒", "三", "刀", "哭", "曹操"),
    "laws": ("法院", "银行", "公司", "三", "罚款", "医院"),
}
MILLION = 1_000_000
BATCH = 5000


def cut(path: Path) -> Iterator[list[str]]:
    """The lines of a packed text in the words of the built-in model."""
    from nlp_zero import Tokenizer

    tokenizer = Tokenizer()
    with lzma.open(path, "rt", encoding="utf-8") as file:
        while lines := [line.rstrip("\n") for _, line in zip(range(BATCH), file, strict=False)]:
            yield from tokenizer.tokenize_lines(lines)


def categories(shared: Path) -> dict[str, str]:
    """The word list that a word stands in, for words in exactly one."""
    found: dict[str, set[str]] = {}
    for name in LISTS:
        path = shared / "data" / "lexicons" / f"THUOCL_{name}.tsv.xz"
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                found.setdefault(line.split("\t")[0].strip(), set()).add(name)
    return {word: next(iter(names)) for word, names in found.items() if len(names) == 1}


def reports(word: str) -> bool:
    """Whether a word is one of those that report, not of those that settings were chosen on.

    >>> [reports(word) for word in ("北京", "曹操", "银行")]
    [False, True, False]
    """
    return hashlib.sha256(word.encode()).digest()[0] % 2 == 1


def adjusted(first: list[int], second: list[int]) -> str:
    """Adjusted mutual information by scikit-learn, or a dash."""
    try:
        from sklearn.metrics import adjusted_mutual_info_score
    except ImportError:
        return "-"
    return f"{adjusted_mutual_info_score(first, second):.4f}"


def louvain(graph: object) -> dict[str, int]:
    import community

    tries = [community.best_partition(graph, random_state=seed) for seed in range(10)]
    return max(tries, key=lambda partition: community.modularity(partition, graph))


def propagation(graph: object) -> dict[str, int]:
    from networkx.algorithms.community import asyn_lpa_communities

    groups = asyn_lpa_communities(graph, weight="weight", seed=1)
    return {word: number for number, group in enumerate(groups) for word in group}


RIVALS: dict[str, tuple[str, Callable[[object], dict[str, int]]]] = {
    "Louvain": ("community", louvain),
    "label propagation": ("networkx", propagation),
}


def clusters(name: str, options: Namespace) -> str:
    """The section of one text."""
    from nlp_zero.network.clusters import STRONGEST, cluster_words
    from nlp_zero.network.similarity import Profiles

    begun = time.process_time()
    profiles = Profiles(cut(options.shared / "data" / TEXTS[name]), strongest=STRONGEST, max_words=10_000)
    counted = time.process_time()
    found = cluster_words(profiles)
    done = time.process_time()
    parts = [
        f"## {name}",
        "",
        f"{profiles.pairs.total:,} words; {len(profiles):,} of them kept, {len(profiles.pairs.columns):,} pairs and "
        f"rows; cut, counted and weighed in {counted - begun:.0f} s, neighbours and clusters in {done - counted:.0f} s "
        f"of CPU time. {found.describe()}.",
        "",
        measure.table(
            ["count", "words", "the most central"],
            ([f"{one.count:,}", len(one.words), " ".join(one.words[:16])] for one in found.clusters[:10]),
        ),
        "",
        agreements(found.graph, {"InfoMap (ours)": found.partition()}, categories(options.shared)),
        "",
    ]
    full = Profiles(profiles.pairs)
    rows = [
        [word, *(" ".join(row.word for row in ask(word, 8)) for ask in (full.similar, full.related))]
        for word in ASKED[name]
        if word in full
    ]
    return "\n".join([*parts, measure.table(["word", "similar", "related"], rows), ""])


def agreements(graph: object, partitions: dict[str, dict[str, int]], lists: dict[str, str]) -> str:
    """How well partitions of the words of a graph agree with the word lists."""
    if measure.installed("networkx"):
        import networkx

        other = networkx.Graph()
        other.add_nodes_from(graph.nodes)  # type: ignore[attr-defined]
        other.add_weighted_edges_from(graph.links())  # type: ignore[attr-defined]
        for rival, (module, run) in RIVALS.items():
            if measure.installed(module):
                partitions[rival] = run(other)
            else:
                measure.skip(rival, f"{module} is not installed")
    rows = []
    for label, partition in partitions.items():
        row: list[object] = [label, len(set(partition.values()))]
        for side in (True, False):
            words = [word for word in graph.nodes if word in lists and reports(word) == side]  # type: ignore[attr-defined]
            pair = [LISTS.index(lists[word]) for word in words], [partition[word] for word in words]
            row += [f"{len(words)}", f"{agreement(*pair):.4f}", adjusted(*pair)]
        rows.append(row)
    head = ["same graph cut by", "clusters", "words that report", "NMI", "AMI", "words chosen on", "NMI", "AMI"]
    return measure.table(head, rows)


# ---- cost ----------------------------------------------------------------------------------------------------------


def lines_of(path: str) -> Iterator[list[str]]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield line.split()


def ours_count(path: str) -> None:
    from nlp_zero.network.cooccurrence import cooccurrence

    cooccurrence(lines_of(path), measure="ppmi")


def nltk_count(path: str) -> None:
    from nltk.collocations import BigramAssocMeasures, BigramCollocationFinder

    finder = BigramCollocationFinder.from_words([word for line in lines_of(path) for word in line], window_size=6)
    finder.score_ngrams(BigramAssocMeasures.pmi)


def scipy_count(path: str) -> None:
    """Shifted arrays of numbers, a sparse matrix, PPMI: what one writes by hand."""
    import numpy
    from scipy.sparse import coo_matrix

    numbers: dict[str, int] = {}
    text = numpy.array([numbers.setdefault(word, len(numbers)) for line in lines_of(path) for word in (*line, "\n")])
    size = len(numbers)
    total = None
    for distance in range(1, 6):
        ones = numpy.ones(len(text) - distance, dtype=numpy.int32)
        part = coo_matrix((ones, (text[:-distance], text[distance:])), shape=(size, size)).tocsr()
        total = part + part.T if total is None else total + part + part.T
    table = total.tocoo()
    sums = numpy.asarray(total.sum(axis=1)).ravel().astype(float)
    smooth = sums**0.75 / (sums**0.75).sum()
    numpy.maximum(0, numpy.log2(table.data / (sums[table.row] * smooth[table.col])))


def profiles_of(path: str) -> object:
    from nlp_zero.network.similarity import Profiles

    return Profiles(lines_of(path), max_words=10_000)


def ours_nearest(path: str) -> None:
    profiles_of(path).neighbour_graph(10)  # type: ignore[attr-defined]


def sklearn_nearest(path: str) -> None:
    """Brute force on the same profiles."""
    import numpy
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import NearestNeighbors

    profiles = profiles_of(path)
    starts, columns, weights = (numpy.array(part) for part in profiles._table)  # type: ignore[attr-defined]
    matrix = csr_matrix((weights, columns.astype(numpy.int64), starts.astype(numpy.int64)))
    NearestNeighbors(n_neighbors=11, metric="cosine", algorithm="brute").fit(matrix).kneighbors(matrix)


JOBS: dict[str, tuple[str, str, Callable[[str], None], str]] = {
    "graph c": ("graph by PPMI, window 5", "nlp-zero, C", ours_count, "nlp_zero"),
    "graph python": ("graph by PPMI, window 5", "nlp-zero, pure Python", ours_count, "nlp_zero"),
    "graph scipy": ("table by PPMI, window 5", "scipy, by hand", scipy_count, "scipy"),
    "graph nltk": ("pairs by PMI, window 5", "nltk", nltk_count, "nltk"),
    "nearest c": ("10 nearest of 10,000 words", "nlp-zero, C", ours_nearest, "nlp_zero"),
    "nearest sklearn": ("10 nearest of 10,000 words", "nlp-zero's profiles, scikit-learn", sklearn_nearest, "sklearn"),
}


def million(options: Namespace) -> Path:
    """A million words of the novels, cut, in the work folder."""
    path: Path = options.work / "million_words.txt"
    if not path.is_file():
        left = MILLION
        with path.open("w", encoding="utf-8") as file:
            for words in cut(options.shared / "data" / TEXTS["novels"]):
                words = [word for word in words if not word.isspace()]
                file.write(" ".join(words) + "\n")
                left -= len(words)
                if left <= 0:
                    break
    return path


def cost(options: Namespace) -> str:
    """The table of times and memory; medians would not help on a busy machine, so the least of the rounds."""
    path = million(options)
    rows = []
    for name, (job, engine, _, module) in JOBS.items():
        if not measure.installed(module):
            measure.skip(engine, f"{module} is not installed")
            continue
        extra = {"NLP_ZERO_PURE": "1" if name == "graph python" else "0"}
        command = [sys.executable, "-m", "benchmarks.network.terms", "--child", name, str(path)]
        spent = [measure.spend(command, **extra) for _ in range(options.rounds)]
        if any(one.status for one in spent):
            measure.skip(engine, "it failed")
            continue
        rows.append([job, engine, f"{min(one.seconds for one in spent):.1f}", f"{spent[0].megabytes:.0f}"])
    head = ["job, from a file of a million words", "engine", "CPU s", "MB"]
    return f"## Cost\n\n{measure.table(head, rows)}\n"


def main() -> None:
    parser = measure.options(__doc__.splitlines()[0])
    parser.add_argument("--only", default="clusters,cost", help="sections, by commas")
    parser.add_argument("--texts", default=",".join(TEXTS), help="names, by commas")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each; the least time is shown")
    parser.add_argument("--child", nargs=2, metavar=("JOB", "FILE"), help="one run (the script calls itself)")
    options = measure.begin(parser)
    if options.child:
        JOBS[options.child[0]][2](options.child[1])
        return
    parts = [measure.header("Term networks"), "Texts" + __doc__.partition("\n\nTexts")[2]]
    chosen = options.only.split(",")
    if "cost" in chosen:
        parts.append(cost(options))
    if "clusters" in chosen:
        parts += [clusters(name, options) for name in options.texts.split(",")]
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
