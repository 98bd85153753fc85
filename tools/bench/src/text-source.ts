/** Frequent words of English, a few of computing: the head of the frequency table. */
const BASE_WORDS =
  `the of and to a in that is was he for it with as his on be at by had not are but from or have an they which one you were
  all her she there would their we him been has when who will no more if out so up said what its about than into them can
  only other time new some could these two may first then do any like my now over such our man me even most made after also
  did many off before must well back through years much where your way down should because long each just state those people
  too how little good world make very year still see own work men day get here between life being under three never know same
  last another while us might great old against go come right however take every house small number part place fact since
  home general high found present thought school public early possible end give face war set water far along course power
  city group second best hand often become large family government important social use began head light name national young
  order left several system things program given nothing per rather turn point side white want means around few open both
  enough already need interest though question form almost feel keep money change during without again service server request
  error value function return class object string table column query index file folder version release update install network
  latency throughput memory cache token prompt model answer summary email customer invoice meeting schedule travel recipe
  garden music history science physics chemistry biology planet ocean mountain river forest animal doctor patient medicine
  exercise sleep diet`.split(/\s+/u);

const PREFIXES = ["", "", "", "", "re", "un", "over", "inter", "micro", "non"];
const SUFFIXES = ["", "", "", "s", "ed", "ing", "ly", "er", "ness", "able", "ment", "ful"];
const SYLLABLES = "ka lo mi ra ten vor sal dri qu ex pho nar bel zu tri gan ost ish mer ul".split(" ");
const ODD_WORDS = [
  "café",
  "naïve",
  "Zürich",
  "你好，请帮我看一下",
  "сообщение",
  "🙂",
  "→",
  "“quoted”",
  "año",
  "東京",
];
const VOCABULARY = 9000;

/**
 * Deterministic synthetic text: word frequencies follow Zipf's law, with 2 % numbers, 1 % words outside ASCII and 3 % code.
 * The same seed gives the same texts on every machine.
 */
export class TextSource {
  #state: number;
  readonly #words: readonly string[];

  constructor(seed: number) {
    this.#state = seed;
    const words = [...BASE_WORDS];
    for (let rank = 0; rank < VOCABULARY; rank += 1) {
      words.push(rank % 5 === 0 ? this.#madeUpWord() : this.#derivedWord());
    }
    this.#words = words;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** Sentences and code of `length` UTF-16 units, never ending inside a surrogate pair. */
  text(length: number): string {
    let text = "";
    while (text.length < length) {
      text += this.#random() < 0.03 ? this.#code() : `${this.#gap(text)}${this.#sentence()}`;
    }
    return text.slice(0, length).replace(/[\uD800-\uDBFF]$/u, "");
  }

  #random(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) / 2 ** 32;
  }

  #pick(list: readonly string[]): string {
    return list[this.below(list.length)] ?? "";
  }

  #madeUpWord(): string {
    return Array.from({ length: 2 + this.below(3) }, () => this.#pick(SYLLABLES)).join("");
  }

  #derivedWord(): string {
    return this.#pick(PREFIXES) + this.#pick(BASE_WORDS) + this.#pick(SUFFIXES);
  }

  #word(): string {
    const rank = Math.floor(Math.exp(this.#random() * Math.log(this.#words.length))) - 1;
    return this.#words[Math.min(rank, this.#words.length - 1)] ?? "";
  }

  #gap(before: string): string {
    if (before === "" || before.endsWith("\n")) {
      return "";
    }
    return this.#random() < 0.12 ? "\n\n" : " ";
  }

  #sentence(): string {
    const length = 6 + this.below(18);
    const words: string[] = [];
    for (let position = 0; position < length; position += 1) {
      const comma = position < length - 1 && this.#random() < 0.07 ? "," : "";
      words.push(this.#wordOrOdd() + comma);
    }
    const end = this.#random() < 0.8 ? "." : "?!"[this.below(2)];
    return `${capitalised(words.join(" "))}${end}`;
  }

  #wordOrOdd(): string {
    const kind = this.#random();
    if (kind < 0.02) {
      return String(this.below(100_000));
    }
    if (kind < 0.03) {
      return this.#pick(ODD_WORDS);
    }
    return kind < 0.05 ? capitalised(this.#word()) : this.#word();
  }

  #code(): string {
    const name = this.#word();
    const items = this.#word();
    return [
      "\n```python",
      `def ${name}(${items}, limit=${this.below(1000)}):`,
      "    result = []",
      `    for i, item in enumerate(${items}):`,
      `        if item.${this.#word()} > ${(this.#random() * 100).toFixed(2)}:`,
      `            result.append({"id": i, "${this.#word()}": item})`,
      "    return result[:limit]",
      "```\n",
    ].join("\n");
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
