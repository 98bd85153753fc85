/** What a figure of such an age counts: 1 when it is new, half at the half-life, 0 when there is none (age Infinity). */
export function loadConfidence(ageMs: number, halfLifeMs: number): number {
  return halfLifeMs / (halfLifeMs + ageMs);
}
