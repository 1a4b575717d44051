/**
 * The new value, with every part of the old one that is equal kept as the same object. Views compare by identity, so that
 * what did not change is not rendered again.
 */
export function share(before, after) {
  if (Object.is(before, after)) return before;
  if (!isPlain(before) || !isPlain(after) || Array.isArray(before) !== Array.isArray(after)) return after;
  const names = Object.keys(after);
  let same = names.length === Object.keys(before).length;
  const merged = Array.isArray(after) ? [] : {};
  for (const name of names) {
    merged[name] = share(before[name], after[name]);
    same &&= merged[name] === before[name] && name in before;
  }
  return same ? before : merged;
}

/** Like `share` for a list whose items are known by a key, wherever they move. */
export function shareByKey(before, after, key) {
  if (!before) return after;
  const known = new Map(before.map((item) => [item[key], item]));
  return share(before, after.map((item) => share(known.get(item[key]), item)));
}

const isPlain = (value) => typeof value === 'object' && value !== null;
