// A browser has only six connections for a host, for all of its tabs together. Whoever keeps one open gives it back while
// nobody looks at the page.

/** Somebody who only looks at another tab for a moment comes back to an open one. */
const GRACE = 1000;

/**
 * Calls `open` now and whenever the page is looked at again, and `close` when it is not any more. A page that begins
 * behind others opens nothing until it is seen. Returns how to stop, which closes.
 */
export function whileVisible(open, close) {
  let timer = 0;
  let isOpen = false;
  const begin = () => {
    clearTimeout(timer);
    if (isOpen) return;
    isOpen = true;
    open();
  };
  const end = () => {
    clearTimeout(timer);
    isOpen = false;
    close();
  };
  const changed = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(end, GRACE);
    else begin();
  };
  // A page that is left may be kept for the way back, and its connections with it.
  const back = ({ persisted }) => persisted && !document.hidden && begin();
  document.addEventListener('visibilitychange', changed);
  addEventListener('pagehide', end);
  addEventListener('pageshow', back);
  if (!document.hidden) begin();
  return () => {
    document.removeEventListener('visibilitychange', changed);
    removeEventListener('pagehide', end);
    removeEventListener('pageshow', back);
    end();
  };
}
