// The names of time zones in English: what is written for a zone, and which zone a text begins with.
import { NAMES_OF_ZONES, ZONES_OF_LONG_NAMES, ZONES_OF_SHORT_NAMES } from './zone-name-table.ts';
import { isSummerTime, regionIds, type Zone } from './zones.ts';

export type ZoneNameStyle = 'full' | 'short';

let namesOfZones: Map<string, readonly string[]> | undefined;

/** A zone's name at an instant (`PDT`, `British Summer Time`), or without one (`PT`); its id where it has no name. */
export function zoneName(zone: Zone, style: ZoneNameStyle, epochMs: number | undefined): string {
  if (zone.isOffset) return zone.id;
  namesOfZones ??= new Map(
    linesOf(NAMES_OF_ZONES).flatMap(([names, ids]) => ids.split(' ').map((id) => [id, names.split('|')] as const)),
  );
  const names = namesOfZones.get(zone.id);
  if (names === undefined) return zone.id;
  const kind = epochMs === undefined ? 2 : isSummerTime(zone, epochMs) ? 1 : 0;
  return names[kind + (style === 'full' ? 3 : 0)]!;
}

export interface FoundZone {
  readonly id: string;
  readonly length: number;
}

interface Dictionary {
  /** By text in upper case. */
  readonly ids: ReadonlyMap<string, string>;
  readonly longest: number;
}

const dictionaries = new Map<ZoneNameStyle | 'id', Dictionary>();

/** The longest name or id of a zone that a text has at a place, in any case of letters. */
export function zoneAt(text: string, at: number, style: ZoneNameStyle | 'id'): FoundZone | undefined {
  let dictionary = dictionaries.get(style);
  if (dictionary === undefined) {
    dictionary = dictionaryOf(style);
    dictionaries.set(style, dictionary);
  }
  const rest = text.slice(at, at + dictionary.longest).toUpperCase();
  for (let length = rest.length; length > 0; length--) {
    const id = dictionary.ids.get(rest.slice(0, length));
    if (id !== undefined) return { id, length };
  }
  return undefined;
}

function dictionaryOf(style: ZoneNameStyle | 'id'): Dictionary {
  const ids = new Map([...regionIds()].map((id) => [id.toUpperCase(), id]));
  const table = style === 'full' ? ZONES_OF_LONG_NAMES : ZONES_OF_SHORT_NAMES;
  if (style !== 'id') {
    for (const [id, names] of linesOf(table)) for (const name of names.split('|')) ids.set(name.toUpperCase(), id);
  }
  return { ids, longest: Math.max(...[...ids.keys()].map((key) => key.length)) };
}

function linesOf(table: string): readonly (readonly [string, string])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)];
    });
}
