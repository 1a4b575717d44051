import { html, memo } from '../ui.js';

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: object) => unknown} cell
 * @property {'number'|'action'|'main'} [kind] numbers stand at the right; `main` is the heading of the row's card
 * @property {boolean} [hideTitle] the heading is for screen readers only
 */

/**
 * A table that becomes a list of cards where it is narrow. The roles are said again because a table that is not laid out
 * as one loses them.
 * @param {{caption: string, columns: Column[], rows: object[], rowKey: (row: object) => string}} props
 *   `columns` are made once, outside of the view, so that rows which did not change are not rendered.
 */
export function Table({ caption, columns, rows, rowKey }) {
  return html`<div class="table-frame"><table class="cards" role="table">
    <caption class="unseen">${caption}</caption>
    <thead role="rowgroup"><tr role="row">
      ${columns.map((column) => html`<th scope="col" role="columnheader" key=${column.title} class=${column.kind}>
        <span class=${column.hideTitle ? 'unseen' : ''}>${column.title}</span>
      </th>`)}
    </tr></thead>
    <tbody role="rowgroup">
      ${rows.map((row) => html`<${Row} key=${rowKey(row)} row=${row} columns=${columns} />`)}
    </tbody>
  </table></div>`;
}

const Row = memo(({ row, columns }) => html`<tr role="row">
  ${columns.map((column) => html`<td role="cell" key=${column.title} class=${column.kind}
    data-title=${column.hideTitle || column.kind === 'main' ? null : column.title}>${column.cell(row)}</td>`)}
</tr>`);
