// The one place that knows the libraries, so that parts and pages import from here.
import { Component, Fragment, createContext, h, render } from './vendor/preact.js';
import htm from './vendor/htm.js';

export { Fragment, createContext, render };
export {
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from './vendor/preact-hooks.js';

export const html = htm.bind(h);

/**
 * A view that is only rendered again when one of its props is another value. With data from `useLoaded`, which keeps what
 * did not change, a long list costs as much as its rows that did.
 */
export function memo(View) {
  return class Memo extends Component {
    shouldComponentUpdate(next) {
      const before = this.props;
      const names = Object.keys(next);
      return names.length !== Object.keys(before).length || names.some((name) => next[name] !== before[name]);
    }

    render(props) {
      return h(View, props);
    }
  };
}
