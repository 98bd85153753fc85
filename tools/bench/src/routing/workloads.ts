import { TextSource } from "../text-source.ts";

/** One request of a client, made when the one before it has been answered. */
export interface Turn {
  /** What the user says; the answers before it are put in between. */
  readonly text: string;
  readonly maxTokens: number;
  /** Pause before it, after the answer to the one before, milliseconds. */
  readonly pauseMs: number;
}

/** A client that talks for a while. */
export interface Client {
  /** When it begins, milliseconds. */
  readonly startMs: number;
  /** The system prompt; none when empty. */
  readonly system: string;
  readonly turns: readonly Turn[];
}

/** Traffic of one kind: the same clients with the same texts at the same instants for every router. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly clients: readonly Client[];
}

/** About so many UTF-16 units make a token of this text. */
const UNITS_PER_TOKEN = 2;

/** Makes the five workloads. */
export function workloads(seed: number): readonly Workload[] {
  return [chats, sharedPrompts, documents, agents, random].map((make, at) => make(new TextSource(seed + at)));
}

const tokens = (source: TextSource, count: number): string =>
  source.text(Math.round(count * UNITS_PER_TOKEN));

function chats(source: TextSource): Workload {
  const clients = Array.from({ length: 100 }, (_, at) => ({
    startMs: at * 60,
    system: "",
    turns: Array.from({ length: 6 }, (__, turn) => ({
      text: tokens(source, turn === 0 ? 300 + source.below(900) : 60 + source.below(240)),
      maxTokens: 24 + source.below(48),
      pauseMs: turn === 0 ? 0 : 300 + source.below(1_200),
    })),
  }));
  return { name: "chats", what: "100 conversations of 6 turns, nothing shared", clients };
}

function sharedPrompts(source: TextSource): Workload {
  const systems = Array.from({ length: 24 }, () => tokens(source, 1_500));
  const clients = Array.from({ length: 400 }, (_, at) => ({
    startMs: at * 20,
    // Zipf: the first prompt has a quarter of all.
    system:
      systems[Math.min(systems.length, Math.floor(Math.exp((source.below(1e6) / 1e6) * Math.log(25)))) - 1]!,
    turns: [{ text: tokens(source, 40 + source.below(160)), maxTokens: 16 + source.below(32), pauseMs: 0 }],
  }));
  return {
    name: "system prompts",
    what: "400 questions, 50 a second, under 24 system prompts of 1,500 tokens of which one has a fifth",
    clients,
  };
}

function documents(source: TextSource): Workload {
  const texts = Array.from({ length: 48 }, () => tokens(source, 6_000));
  const order = texts.flatMap((text) => Array.from({ length: 5 }, () => text));
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = source.below(at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  const clients = order.map((text, at) => ({
    startMs: at * 60,
    system: "",
    turns: [{ text: `${text}\n\n${tokens(source, 40)}`, maxTokens: 16 + source.below(32), pauseMs: 0 }],
  }));
  return {
    name: "documents",
    what: "240 questions about 48 documents of 6,000 tokens, in any order",
    clients,
  };
}

function agents(source: TextSource): Workload {
  const tools = Array.from({ length: 3 }, () => tokens(source, 2_000));
  const clients = Array.from({ length: 64 }, (_, at) => ({
    startMs: at * 80,
    system: tools[at % tools.length]!,
    turns: Array.from({ length: 8 }, (__, turn) => ({
      text: tokens(source, turn === 0 ? 200 : 100 + source.below(600)),
      maxTokens: 16 + source.below(32),
      pauseMs: turn === 0 ? 0 : 50 + source.below(200),
    })),
  }));
  return { name: "agents", what: "64 agents of 8 steps, three sets of tools of 2,000 tokens", clients };
}

function random(source: TextSource): Workload {
  const clients = Array.from({ length: 300 }, (_, at) => ({
    startMs: at * 25,
    system: "",
    turns: [
      { text: tokens(source, 200 + source.below(1_200)), maxTokens: 16 + source.below(64), pauseMs: 0 },
    ],
  }));
  return { name: "random", what: "300 prompts that have nothing in common, 40 a second", clients };
}
