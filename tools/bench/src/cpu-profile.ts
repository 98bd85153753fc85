/** A profile of V8's as its inspector gives it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Where time went: a name, and its share of the time in which the thread was busy. */
export interface ProfileShare {
  readonly name: string;
  readonly share: number;
}

/** What a profile says. */
export interface ProfileSummary {
  /** Part of the time in which the thread was busy. */
  readonly busy: number;
  /** By function, without what it called. */
  readonly functions: readonly ProfileShare[];
  /** By source file; what Node does is counted for the file of ours that asked for it. */
  readonly files: readonly ProfileShare[];
}

const IDLE = new Set(["(idle)", "(root)"]);

/** Adds a profile up. */
export function summarise(profile: CpuProfile): ProfileSummary {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])),
  );
  const own = new Map<number, number>();
  let busyUs = 0;
  let allUs = 0;
  for (const [index, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0;
    allUs += us;
    if (!IDLE.has(nodes.get(id)?.callFrame.functionName ?? "(root)")) {
      busyUs += us;
      own.set(id, (own.get(id) ?? 0) + us);
    }
  }
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  for (const [id, us] of own) {
    const node = nodes.get(id) as ProfileNode;
    add(functions, functionName(node), us);
    add(files, fileOf(id, nodes, parents), us);
  }
  return { busy: busyUs / allUs, functions: shares(functions, busyUs), files: shares(files, busyUs) };
}

function add(sums: Map<string, number>, name: string, us: number): void {
  sums.set(name, (sums.get(name) ?? 0) + us);
}

function shares(sums: ReadonlyMap<string, number>, busyUs: number): readonly ProfileShare[] {
  return [...sums]
    .map(([name, us]) => ({ name, share: us / busyUs }))
    .toSorted((left, right) => right.share - left.share);
}

function functionName({ callFrame }: ProfileNode): string {
  const { functionName: name, url, lineNumber } = callFrame;
  return url === "" ? name : `${name === "" ? "(anonymous)" : name} ${shortUrl(url)}:${lineNumber + 1}`;
}

/** The nearest file of ours among a node and its callers, else what the node is. */
function fileOf(
  id: number,
  nodes: ReadonlyMap<number, ProfileNode>,
  parents: ReadonlyMap<number, number>,
): string {
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const url = nodes.get(at)?.callFrame.url ?? "";
    if (url.startsWith("file:")) {
      return shortUrl(url);
    }
  }
  const { callFrame } = nodes.get(id) as ProfileNode;
  return callFrame.url === "" ? callFrame.functionName : callFrame.url;
}

function shortUrl(url: string): string {
  return url.replace(/^.*\/(?=(?:apps|packages|node_modules)\/)/u, "").replace("/dist/", "/");
}
