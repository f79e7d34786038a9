package style

import (
	_ "embed"
	"html/template"
	"strings"
)

//go:embed style.css
var sheet string

// dark are the colours of dark surroundings, which stand in the sheet twice: where the system asks for them, and where
// the reader does.
const dark = `color-scheme: dark;
  --paper: #17171b; --ink: #ececf1; --soft: #a9a9b5; --line: #3a3a44; --raised: #202026;
  --mark: #56b4e9; --ordered: #56b4e9; --invariant: #f0a340; --out: #a9a9b5; --warn: #ff9b70; --grey: #9a9aa4;
  --c0: #56b4e9; --c1: #f0803c; --c2: #2fc594; --c3: #dc93bb; --c4: #e6b03a; --c5: #8fd0f5; --c6: #d8d8de;
  --c7: #a990ea;`

// Sheet is the CSS, to stand in a style element.
func Sheet() template.CSS { return template.CSS(strings.ReplaceAll(sheet, "/* dark */", dark)) }
