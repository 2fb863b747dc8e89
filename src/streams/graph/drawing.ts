// A description as a drawing, in the language of Mermaid or of Graphviz: sub-topologies are boxes around their operators and
// stores, topics stand between them.
import type { DescribedNode, TopologyDescription } from './description.ts';

type Shape = 'operator' | 'topic' | 'store';

interface Box {
  readonly id: string;
  readonly label: string;
  readonly shape: Shape;
}

interface Drawing {
  readonly clusters: readonly { readonly title: string; readonly boxes: readonly Box[] }[];
  readonly topics: readonly Box[];
  /** Stores are read and written: their lines have no direction. */
  readonly lines: readonly { readonly from: Box; readonly to: Box; readonly isDirected: boolean }[];
}

export function toMermaid(description: TopologyDescription): string {
  const { clusters, topics, lines } = drawingOf(description);
  const brackets = { operator: ['[', ']'], topic: ['[/', '/]'], store: ['[(', ')]'] } as const;
  const text = (label: string): string => `"${label.replaceAll('"', '#quot;')}"`;
  const boxText = ({ id, label, shape }: Box): string =>
    `${id}${brackets[shape][0]}${text(label)}${brackets[shape][1]}`;
  return [
    'flowchart TD',
    ...topics.map((box) => `  ${boxText(box)}`),
    ...clusters.flatMap(({ title, boxes }, i) => [
      `  subgraph c${i} [${text(title)}]`,
      ...boxes.map((box) => `    ${boxText(box)}`),
      '  end',
    ]),
    ...lines.map(({ from, to, isDirected }) => `  ${from.id} ${isDirected ? '-->' : '---'} ${to.id}`),
    '',
  ].join('\n');
}

export function toDot(description: TopologyDescription): string {
  const { clusters, topics, lines } = drawingOf(description);
  const shapes = { operator: 'box', topic: 'cds', store: 'cylinder' } as const;
  const text = (label: string): string => `"${label.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const boxText = ({ id, label, shape }: Box): string => `${id} [label=${text(label)}, shape=${shapes[shape]}];`;
  return [
    'digraph topology {',
    ...topics.map((box) => `  ${boxText(box)}`),
    ...clusters.flatMap(({ title, boxes }, i) => [
      `  subgraph cluster_${i} {`,
      `    label=${text(title)};`,
      ...boxes.map((box) => `    ${boxText(box)}`),
      '  }',
    ]),
    ...lines.map(({ from, to, isDirected }) => `  ${from.id} -> ${to.id}${isDirected ? '' : ' [dir=none]'};`),
    '}',
    '',
  ].join('\n');
}

function drawingOf({ subtopologies, globalStores }: TopologyDescription): Drawing {
  const boxes = new Map<string, Box>();
  const boxOf = (shape: Shape, label: string): Box => {
    const name = `${shape} ${label}`;
    const box = boxes.get(name) ?? { id: `${shape[0]}${boxes.size}`, label, shape };
    boxes.set(name, box);
    return box;
  };
  const linesOf = (node: DescribedNode): Drawing['lines'] => {
    const own = boxOf('operator', node.name);
    const into = node.kind === 'source' ? node.topics : [];
    const onto = node.kind === 'sink' ? [node.topic ?? '(by record)'] : [];
    const beside = node.kind === 'processor' ? node.stores : [];
    return [
      ...into.map((topic) => ({ from: boxOf('topic', topic), to: own, isDirected: true })),
      ...node.successors.map((name) => ({ from: own, to: boxOf('operator', name), isDirected: true })),
      ...beside.map((store) => ({ from: own, to: boxOf('store', store), isDirected: false })),
      ...onto.map((topic) => ({ from: own, to: boxOf('topic', topic), isDirected: true })),
    ];
  };
  const clusters = subtopologies.map(({ id, nodes }) => {
    const stores = new Set(nodes.flatMap((node) => (node.kind === 'processor' ? node.stores : [])));
    return {
      title: `Sub-topology ${id}`,
      boxes: [
        ...nodes.map(({ name }) => boxOf('operator', name)),
        ...[...stores].map((store) => boxOf('store', store)),
      ],
    };
  });
  const globals = globalStores.map(({ store }) => ({ title: `Global store ${store}`, boxes: [boxOf('store', store)] }));
  const lines = [
    ...subtopologies.flatMap(({ nodes }) => nodes.flatMap(linesOf)),
    ...globalStores.map(({ store, topic }) => ({
      from: boxOf('topic', topic),
      to: boxOf('store', store),
      isDirected: true,
    })),
  ];
  return {
    clusters: [...clusters, ...globals],
    topics: [...boxes.values()].filter(({ shape }) => shape === 'topic'),
    lines,
  };
}
