"""Make the model that comes with the package, and say how well it cuts.

    python -m benchmarks.builtin --make [--model nlp_zero/data/zh.model.gz]      (about four minutes)
    python -m benchmarks.builtin [--out FILE]                                    (F1 of the model that is there)

It is learnt from the sets whose licences let a lexicon derive from them (nlp_zero/data/NOTICE.md): laws, novels,
encyclopedia paragraphs. No test text is among them, and no label was used. The same texts give the same bytes.

What was chosen on UD dev and the tails of PKU and MSR, by their mean F1, tried by hand, one chain unless said: novels,
half a million characters of them (.815; four million .794, as one genre); three genres, not one, though two of them
are small (.822 and .817); the bonus of a word, 0 instead of the 2 nats that suit text like that which was learnt from
(.822 and .814 with three chains). Two, four or eight million characters of laws are the same within .001.
"""

import gzip
import random
import tempfile
from itertools import accumulate
from pathlib import Path
from time import process_time

from benchmarks import data, measure
from benchmarks.segmentation.protocol import Bench, by_line, by_model, cells, scored
from nlp_zero import Corpus, WordFinder
from nlp_zero.words import genres

SETS = ("raw-wiki/cmrc_wiki_simplified", "raw-wiki/drcd_wiki_traditional", "domain-law/laws", "raw-novels/novels")
MOST = {"domain-law/laws": 4_000_000, "raw-novels/novels": 500_000}  # characters of a set; all of the others
CHAINS = 3
BONUS = 0.0  # nats
GENRE = 100_000  # symbols: the sets are known to be of three genres
SAMPLE = 50  # lines of each set, for the scale of granularity
MODEL = measure.ROOT / "nlp_zero" / "data" / "zh.model.gz"


def some(lines: list[str], most: int | None) -> list[str]:
    """The lines in a shuffled order, up to the most that is read of a set."""
    random.Random(data.SEED).shuffle(lines)
    sums = accumulate(map(len, lines))
    return [line for line, size in zip(lines, sums, strict=True) if most is None or size <= most]


def make(shared: Path, target: Path) -> None:
    """Learn, leave the evidence out, pack."""
    with tempfile.TemporaryDirectory() as folder:
        texts, sample = [], []
        for number, name in enumerate(SETS):
            text = Path(folder, f"{number}.txt")
            lines = some(data.lines(shared / "data" / f"{name}.txt.xz"), MOST.get(name))
            text.write_text("\n".join(lines), encoding="utf-8")
            sample += lines[:SAMPLE]
            texts.append(str(text))
        genres.LEAST = GENRE
        start = process_time()
        learnt = WordFinder("bayes", chains=CHAINS).train(Corpus(texts)).tokenizer()
        small = Path(folder, "small.model")
        learnt.without_evidence().with_bonus(BONUS).calibrate(sample).save(small)
        packed = gzip.compress(small.read_bytes(), 9, mtime=0)
        target.write_bytes(packed)
        print(f"{target.name}: {len(packed):,} bytes; learning took {process_time() - start:.0f} s")


def main() -> None:
    parser = measure.options("Word F1 of the built-in model.")
    parser.add_argument("--make", action="store_true", help="learn the model anew")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--sets", default="pku,msr,uddev,pku_tail,msr_tail")
    options = measure.begin(parser)
    if options.make:
        make(options.shared, options.model)
    sets = options.sets.split(",")
    measure.needed(options.work, *(f"{part}_{kind}.txt" for part in sets for kind in ("gold", "raw")))
    systems = {"built-in model": by_model(options.model)}
    try:
        import jieba
    except ImportError:
        measure.skip("jieba", "not installed")
    else:
        jieba.setLogLevel(60)
        systems[f"jieba {jieba.__version__}"] = by_line(jieba.lcut)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, options.model, sets, Path(folder))
        for name, cut in systems.items():
            if done := scored(bench, name, cut):
                rows.append([name, *cells([done[0]])])
    head = ["system", *(f"{part} P / R / F1" for part in sets)]
    header = measure.header("Word F1 of the built-in model", [options.model])
    notes = "Exact spans. The model was learnt from laws, novels and encyclopedia paragraphs; no test text was read."
    measure.publish(f"{header}\n{measure.table(head, rows)}\n\n{notes}", options.out)


if __name__ == "__main__":
    main()
