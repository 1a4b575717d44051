import { onChange } from '../live.js';
import { onSession } from '../session.js';
import { share } from '../share.js';
import { useCallback, useEffect, useRef, useState } from '../ui.js';

/**
 * Data of the service that stays fresh: asked for when `deps` change, and again when `wants(change)` says that a change may
 * touch it. One request at a time, so that a slow service is not asked more than it can answer, and what was shown stays
 * until the next answer is there. Parts that are equal keep their identity.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} deps
 * @param {{wants?: (change: import('../live.js').Change) => boolean, every?: number, refresh?: number, merge?: (before: T, after: T) => T}} [options]
 *   `every`: asks at most once in so many milliseconds on account of changes. `refresh`: asks again in so many even without
 *   one while somebody looks, for what grows old by itself.
 * @returns {{data: T|undefined, error: Error|undefined, reload: () => void}}
 */
export function useLoaded(load, deps, { wants = always, every = 0, refresh = 0, merge = share } = {}) {
  const [shown, setShown] = useState({});
  const latest = useRef();
  latest.current = { load, wants, merge };
  const [reload, setReload] = useState(() => () => {});

  useEffect(() => {
    const abort = new AbortController();
    let busy = false;
    let again = false;
    let began = 0;
    let timer = 0;

    const run = async () => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      began = Date.now();
      try {
        const data = await latest.current.load(abort.signal);
        if (abort.signal.aborted) return;
        setShown((before) => keep(before, { data: latest.current.merge(before.data, data) }));
      } catch (error) {
        if (abort.signal.aborted) return;
        setShown((before) => ({ data: before.data, error }));
      } finally {
        busy = false;
      }
      if (again) {
        again = false;
        soon();
      }
    };
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(run, Math.max(0, began + every - Date.now()));
    };
    const offChange = onChange((change) => latest.current.wants(change) && soon());
    const offSession = onSession(soon);
    const beat = refresh && setInterval(() => document.hidden || soon(), refresh);
    setReload(() => run);
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearInterval(beat);
      offChange();
      offSession();
    };
  }, deps);

  return { ...shown, reload: useCallback(() => reload(), [reload]) };
}

const always = () => true;

/** The same state where nothing changed, so that nothing is rendered. */
const keep = (before, after) => (before.data === after.data && !before.error ? before : after);
