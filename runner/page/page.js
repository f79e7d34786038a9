(() => {
	'use strict';
	const root = document.documentElement;
	let data = JSON.parse(document.getElementById('data').textContent);
	root.classList.add('js');

	const colour = name => getComputedStyle(root).getPropertyValue('--' + name).trim();
	const element = (tag, properties = {}, ...children) => {
		const e = Object.assign(document.createElement(tag), properties);
		e.append(...children);
		return e;
	};
	const short = x => x == null ? '' : String(Number(x.toPrecision(4)));

	// Bright or dark: as the system says, until the reader does. A file may have no storage.
	const remembered = {
		get: () => { try { return localStorage.getItem('ordo-theme'); } catch { return null; } },
		set: theme => { try { localStorage.setItem('ordo-theme', theme); } catch { /* it is asked for again */ } },
	};
	const system = matchMedia('(prefers-color-scheme: dark)');
	const redraws = [];
	const button = document.getElementById('theme');
	const isDark = () => (root.dataset.theme || (system.matches ? 'dark' : 'light')) === 'dark';
	const themed = () => {
		button.textContent = isDark() ? 'Light' : 'Dark';
		button.setAttribute('aria-label', button.textContent + ' colours');
		document.querySelectorAll('.key').forEach(key => {
			const reference = key.classList.contains('reference');
			key.querySelector('i').style.color = reference ? 'var(--grey)' : lineColour(+key.dataset.colour, 'var');
		});
		redraws.forEach(redraw => redraw());
	};
	button.hidden = false;
	button.onclick = () => {
		root.dataset.theme = isDark() ? 'light' : 'dark';
		remembered.set(root.dataset.theme);
		themed();
	};
	system.addEventListener('change', themed);
	if (['light', 'dark'].includes(remembered.get())) root.dataset.theme = remembered.get();

	// Eight colours have names; further ones go round the circle by the golden angle.
	function lineColour(i, how) {
		if (i < 8) return how === 'var' ? `var(--c${i})` : colour('c' + i);
		return `hsl(${(i * 137.5) % 360} 60% ${isDark() ? 68 : 42}%)`;
	}

	// Charts are drawn when they come into sight.
	const dashes = [[6, 4], [2, 3], [8, 3, 2, 3], [1, 5]];
	function drawChart(box) {
		const chart = data.charts[+box.dataset.chart];
		const keys = [...box.parentElement.querySelectorAll('.key b')];
		const xs = [...new Set(chart.lines.flatMap(l => l.x))].sort((a, b) => a - b);
		const at = new Map(xs.map((x, i) => [x, i]));
		const column = (l, values) => {
			const all = new Array(xs.length).fill(null);
			l.x.forEach((x, i) => { all[at.get(x)] = values[i]; });
			return all;
		};
		const series = [{}], columns = [xs], bands = [], places = [];
		let references = 0;
		chart.lines.forEach(l => {
			const stroke = l.reference ? colour('grey') : lineColour(l.colour);
			places.push(series.length);
			series.push({
				stroke, width: l.reference ? 1.5 : 2, spanGaps: true,
				dash: l.reference ? dashes[references++ % dashes.length] : undefined,
				points: { show: l.x.length < 2 || (!l.reference && l.x.length < 15), size: 5, fill: stroke },
			});
			columns.push(column(l, l.y));
			if (l.low) {
				bands.push({ series: [series.length, series.length + 1], fill: stroke + '22' });
				for (const edge of [l.high, l.low]) {
					series.push({ stroke: 'transparent', width: 0, spanGaps: true, points: { show: false } });
					columns.push(column(l, edge));
				}
			}
		});
		const axis = (label, size) => ({
			stroke: colour('soft'), font: '11px system-ui, sans-serif', labelFont: '11px system-ui, sans-serif', labelSize: 16,
			label: label || undefined, size, grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, gap: 4,
			values: (u, splits) => splits.map(short),
		});
		box.replaceChildren();
		const plot = new uPlot({
			width: Math.max(box.clientWidth, 200), height: 220, scales: { x: { time: false } }, legend: { show: false },
			axes: [axis(chart.x, 26), axis(chart.y, 48)], series, bands, padding: [8, 8, 0, 0],
			cursor: { points: { size: 6 }, drag: { x: true, y: false } },
			hooks: { setCursor: [u => {
				const i = u.cursor.idx;
				keys.forEach((b, k) => { b.textContent = i == null ? '' : short(columns[places[k]][i]); });
			}] },
		}, columns, box);
		box.onkeydown = e => {
			const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
			if (!step) return;
			e.preventDefault();
			const i = Math.min(Math.max((plot.cursor.idx ?? (step > 0 ? -1 : xs.length)) + step, 0), xs.length - 1);
			plot.setCursor({ left: plot.valToPos(xs[i], 'x'), top: 20 });
		};
		return plot;
	}
	const plots = new Map();
	const sight = new IntersectionObserver(entries => entries.forEach(e => {
		if (e.isIntersecting && !plots.has(e.target)) plots.set(e.target, drawChart(e.target));
	}), { rootMargin: '400px' });
	const width = new ResizeObserver(entries => entries.forEach(e => {
		const plot = plots.get(e.target);
		if (plot && e.contentRect.width > 0) plot.setSize({ width: e.contentRect.width, height: 220 });
	}));
	const watchPlots = () => document.querySelectorAll('.plot').forEach(box => { sight.observe(box); width.observe(box); });
	watchPlots();
	redraws.push(() => plots.forEach((plot, box) => {
		plot.destroy();
		plots.set(box, drawChart(box));
	}));

	// Scale 0 to 1 as a colour that brightens.
	const ramp = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 200, 37]];
	function scaleColour(s) {
		const k = Math.min(Math.floor(s * 4), 3), t = s * 4 - k;
		return `rgb(${ramp[k].map((from, c) => Math.round(from + t * (ramp[k + 1][c] - from))).join()})`;
	}

	class Maps {
		constructor(box) {
			this.box = box;
			this.sets = data.maps[+box.dataset.map];
			const outputs = [...new Set(this.sets[0].places.map(p => p.output))];
			const methods = [...new Set(this.sets[0].places.map(p => p.method))].reverse();
			this.marked = -1; // the point that is shown
			this.only = -1; // the class that is shown, -1 all
			const choice = (label, options, change) => {
				const select = element('select');
				options.forEach((o, i) => select.append(element('option', { value: i, textContent: o })));
				select.onchange = () => { change(+select.value); this.change(); };
				this.controls.append(element('label', {}, label + ' ', select));
				return select;
			};
			this.controls = element('div', { className: 'controls' });
			this.set = this.sets[0];
			this.method = methods[0];
			choice('Show', this.sets.map(s => s.name), i => {
				this.set = this.sets[i];
				this.marked = -1;
				this.by.value = i && this.set.scales.length > 1 ? 1 : 0;
			});
			choice('by', methods, i => { this.method = methods[i]; });
			this.by = choice('coloured by', ['class', 'scale'], () => {});
			this.legend = element('div', { className: 'classes' });
			this.tip = element('div', { className: 'tip', hidden: true });
			this.said = element('div', { className: 'hidden', role: 'status' });
			this.planes = outputs.map(output => {
				const canvas = element('canvas', { tabIndex: 0 });
				canvas.setAttribute('role', 'img');
				canvas.onpointermove = canvas.onpointerdown = e => this.point(canvas, e);
				canvas.onpointerleave = () => this.mark(-1);
				canvas.onblur = () => this.mark(-1);
				canvas.onkeydown = e => this.key(canvas, e);
				return { output, canvas };
			});
			box.append(this.controls, this.legend, element('div', { className: 'planes' }, ...this.planes.map(p =>
				element('figure', {}, element('figcaption', { textContent: p.output }), p.canvas))), this.tip, this.said);
			new ResizeObserver(() => this.draw()).observe(box);
			redraws.push(() => this.change());
			this.change();
		}

		get byScale() { return this.by.value === '1'; }

		// What point i is.
		image(i) { return i % this.set.images; }
		scale(i) { return this.set.scales[Math.floor(i / this.set.images)]; }
		label(i) { return this.set.labels[this.image(i)]; }
		class(i) { return (this.set.classes || [])[this.label(i)] || ''; }

		change() {
			this.legend.replaceChildren();
			if (this.byScale) {
				const gradient = [0, 0.25, 0.5, 0.75, 1].map(scaleColour).join();
				const bar = element('span', { className: 'ramp' });
				bar.style.background = `linear-gradient(90deg, ${gradient})`;
				this.legend.append(element('span', {}, 'scale 0', bar, '1'));
			} else {
				(this.set.classes || []).forEach((name, k) => {
					const dot = element('i');
					dot.style.background = lineColour(k);
					const b = element('button', { type: 'button' }, dot, name);
					b.setAttribute('aria-pressed', this.only === k);
					b.onclick = () => { this.only = this.only === k ? -1 : k; this.change(); };
					this.legend.append(b);
				});
			}
			this.planes.forEach(p => p.canvas.setAttribute('aria-label', `Map of ${p.output} by ${this.method}: ` +
				`${this.set.name}, ${this.set.images * this.set.scales.length} points. Arrow keys go through them; ` +
				'the table below has their places.'));
			this.draw();
		}

		draw() {
			for (const p of this.planes) {
				const places = this.set.places.find(x => x.output === p.output && x.method === this.method);
				const ratio = devicePixelRatio || 1, w = p.canvas.clientWidth, h = p.canvas.clientHeight;
				if (!w) continue;
				p.canvas.width = w * ratio;
				p.canvas.height = h * ratio;
				const c = p.canvas.getContext('2d');
				c.scale(ratio, ratio);
				p.at = [];
				if (!places) continue;
				const span = all => [Math.min(...all), Math.max(...all)];
				const [left, right] = span(places.x), [low, high] = span(places.y), room = 14;
				const zoom = Math.min((w - 2 * room) / (right - left || 1), (h - 2 * room) / (high - low || 1));
				p.at = places.x.map((x, i) => [
					w / 2 + zoom * (x - (left + right) / 2), h / 2 - zoom * (places.y[i] - (low + high) / 2),
				]);
				const radius = p.at.length > 1000 ? 3 : 4;
				p.at.forEach(([x, y], i) => {
					c.globalAlpha = this.only >= 0 && !this.byScale && this.label(i) !== this.only ? 0.12 : 0.85;
					c.fillStyle = this.byScale ? scaleColour(this.scale(i)) :
						this.label(i) < 0 ? colour('grey') : lineColour(this.label(i));
					c.beginPath();
					c.arc(x, y, radius, 0, 7);
					c.fill();
				});
				c.globalAlpha = 1;
				if (this.marked >= 0) this.way(c, p.at, radius);
			}
		}

		// The marked point, and the way of its image over scale.
		way(c, at, radius) {
			const n = this.set.images, image = this.image(this.marked);
			c.strokeStyle = colour('ink');
			c.lineWidth = 1.5;
			c.beginPath();
			for (let i = image; i < at.length; i += n) i === image ? c.moveTo(...at[i]) : c.lineTo(...at[i]);
			c.stroke();
			for (let i = image; i < at.length; i += n) {
				c.beginPath();
				c.arc(...at[i], i === this.marked ? radius + 3 : radius, 0, 7);
				c.stroke();
			}
		}

		point(canvas, e) {
			const p = this.planes.find(x => x.canvas === canvas), box = canvas.getBoundingClientRect();
			const x = e.clientX - box.left, y = e.clientY - box.top;
			let best = -1, nearest = 14 * 14;
			(p.at || []).forEach(([px, py], i) => {
				if (this.only >= 0 && !this.byScale && this.label(i) !== this.only) return;
				const d = (px - x) ** 2 + (py - y) ** 2;
				if (d < nearest) [best, nearest] = [i, d];
			});
			this.mark(best, p);
		}

		key(canvas, e) {
			const n = this.set.images, all = n * this.set.scales.length;
			const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -n, ArrowUp: n }[e.key];
			if (e.key === 'Escape') this.mark(-1);
			if (!step) return;
			e.preventDefault();
			const p = this.planes.find(x => x.canvas === canvas);
			this.mark(this.marked < 0 ? 0 : (this.marked + step + all) % all, p);
			this.said.textContent = this.words(this.marked);
		}

		words(i) {
			const scale = this.set.scales.length > 1 ? `, scale ${short(this.scale(i))}` : '';
			return [this.class(i), this.set.ids[this.image(i)]].filter(Boolean).join(', ') + scale;
		}

		mark(i, p) {
			if (i === this.marked) return;
			this.marked = i;
			this.draw();
			this.tip.hidden = i < 0;
			if (i < 0) return;
			const { side, columns } = data.sprites[this.set.sprite];
			const picture = element('span', { className: `thumb s${this.set.sprite}` });
			picture.style.backgroundPosition = `-${i % columns * side}px -${Math.floor(i / columns) * side}px`;
			this.tip.replaceChildren(picture, this.words(i));
			const frame = this.box.getBoundingClientRect(), box = p.canvas.getBoundingClientRect(), [x, y] = p.at[i];
			const left = box.left - frame.left + x + 12, top = box.top - frame.top + y + 12;
			this.tip.style.left = Math.max(0, Math.min(left, this.box.clientWidth - this.tip.offsetWidth - 4)) + 'px';
			this.tip.style.top = (left > this.box.clientWidth - this.tip.offsetWidth - 4 ? top + 8 : top) + 'px';
		}
	}
	document.querySelectorAll('.map').forEach(box => new Maps(box));

	// A table whose heads are buttons: by that column, numbers by their value, what is missing last.
	function sortable(table) {
		const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
		const missing = text => text === '' || text === '–';
		const number = text => /^[+-]?[\d.]/.test(text) ? parseFloat(text) : NaN;
		heads.forEach((head, column) => {
			const b = element('button', { type: 'button', textContent: head.textContent });
			head.replaceChildren(b);
			b.onclick = () => {
				const down = head.getAttribute('aria-sort') === 'ascending';
				heads.forEach(h => h.removeAttribute('aria-sort'));
				head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
				const rows = [...body.rows].map(row => [row, row.cells[column].textContent]);
				const numeric = rows.every(([, text]) => missing(text) || !isNaN(number(text)));
				rows.sort(([, x], [, y]) => {
					if (missing(x) || missing(y)) return missing(x) - missing(y);
					const order = numeric ? number(x) - number(y) : x.localeCompare(y, undefined, { numeric: true });
					return down ? -order : order;
				});
				body.append(...rows.map(([row]) => row));
			};
		});
	}
	document.querySelectorAll('table[data-sort]').forEach(sortable);

	// Lines of trials: the one that is pointed at stands out in all drawings and in the table.
	const drawings = [...document.querySelectorAll('.drawing')].map(box => {
		const svg = box.querySelector('svg'), lines = new Map();
		svg.querySelectorAll('path').forEach(path => lines.set(path.dataset.trial, {
			path, points: path.getAttribute('d').slice(1).split(/[L ]/).map(parseFloat)
		}));
		const tip = element('div', { className: 'tip', hidden: true }), said = element('div', { className: 'hidden' });
		said.setAttribute('role', 'status');
		box.append(tip, said);
		return { box, svg, lines, tip, said, order: [...lines.keys()].reverse() };
	});
	const rowOf = new Map([...document.querySelectorAll('tr[data-trial]')].map(row => [row.dataset.trial, row]));
	let chosen = null;
	const words = trial => {
		const row = rowOf.get(trial);
		if (!row) return trial;
		const heads = [...row.closest('table').tHead.rows[0].cells].map(head => head.textContent);
		return [...row.cells].map((cell, i) => `${heads[i]} ${cell.textContent}`).join(', ');
	};
	function choose(trial, here, x, y) {
		if (chosen !== trial) {
			for (const d of drawings) {
				d.lines.get(chosen)?.path.classList.remove('on');
				const line = d.lines.get(trial)?.path;
				d.svg.classList.toggle('chosen', !!line);
				line?.classList.add('on');
			}
			rowOf.get(chosen)?.classList.remove('on');
			rowOf.get(trial)?.classList.add('on');
			chosen = trial;
		}
		for (const d of drawings) d.tip.hidden = d !== here || trial === null;
		if (!here || trial === null) return;
		here.tip.textContent = words(trial);
		const room = here.box.clientWidth - here.tip.offsetWidth - 4;
		here.tip.style.left = Math.max(0, Math.min(x + 14, room)) + 'px';
		here.tip.style.top = y + 14 + 'px';
	}
	// How far a point is from a line's pieces, squared.
	function distance(p, x, y) {
		let best = (p[0] - x) ** 2 + (p[1] - y) ** 2;
		for (let i = 2; i + 1 < p.length; i += 2) {
			const dx = p[i] - p[i - 2], dy = p[i + 1] - p[i - 1], length = dx * dx + dy * dy;
			const t = length ? Math.max(0, Math.min(1, ((x - p[i - 2]) * dx + (y - p[i - 1]) * dy) / length)) : 0;
			best = Math.min(best, (p[i - 2] + t * dx - x) ** 2 + (p[i - 1] + t * dy - y) ** 2);
		}
		return best;
	}
	drawings.forEach(d => {
		const near = e => {
			const place = d.svg.getScreenCTM().inverse(), x = place.a * e.clientX + place.e, y = place.d * e.clientY + place.f;
			let best = null, least = 12 * 12;
			d.lines.forEach((line, trial) => {
				const off = distance(line.points, x, y);
				if (off < least) [best, least] = [trial, off];
			});
			return best;
		};
		const open = trial => rowOf.get(trial)?.querySelector('a')?.click();
		d.svg.onpointermove = d.svg.onpointerdown = e => {
			const frame = d.box.getBoundingClientRect();
			choose(near(e), d, e.clientX - frame.left, e.clientY - frame.top);
		};
		d.svg.onpointerleave = d.svg.onblur = () => choose(null);
		d.svg.onclick = e => open(near(e));
		d.svg.onkeydown = e => {
			if (e.key === 'Escape') choose(null);
			if (e.key === 'Enter') open(chosen);
			const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[e.key];
			if (!step) return;
			e.preventDefault();
			const n = d.order.length, at = d.order.indexOf(chosen);
			const trial = d.order[at < 0 ? (step > 0 ? 0 : n - 1) : (at + step + n) % n];
			choose(trial, d, 0, d.box.clientHeight - 20);
			d.said.textContent = words(trial);
		};
	});
	rowOf.forEach((row, trial) => {
		row.onpointerenter = () => choose(trial);
		row.onpointerleave = () => choose(null);
	});
	themed();

	// A live page takes what is new from itself, as often as it takes a twentieth of the time.
	let version = null;
	function renew(text) {
		const next = new DOMParser().parseFromString(text, 'text/html');
		const named = d => d.querySelector('summary').textContent;
		const open = new Set([...document.querySelectorAll('details[open]')].map(named));
		const at = scrollY;
		plots.forEach(plot => plot.destroy());
		plots.clear();
		sight.disconnect();
		width.disconnect();
		document.title = next.title;
		for (const part of ['#said', 'main']) document.querySelector(part).replaceWith(next.querySelector(part));
		data = JSON.parse(next.getElementById('data').textContent);
		document.querySelectorAll('details').forEach(d => { d.open = open.has(named(d)); });
		watchPlots();
		themed();
		scrollTo(0, at);
	}
	async function follow() {
		const began = performance.now();
		try {
			const answer = await fetch(location.href, { cache: 'no-store', headers: version ? { 'If-None-Match': version } : {} });
			if (answer.ok) {
				const fresh = answer.headers.get('ETag'), text = await answer.text();
				if (version !== null && fresh !== version) renew(text);
				version = fresh;
			}
			root.classList.remove('lost');
		} catch {
			root.classList.add('lost');
		}
		setTimeout(follow, Math.max(2000, 20 * (performance.now() - began)));
	}
	if ('live' in document.body.dataset) follow();
})();
