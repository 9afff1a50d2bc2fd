package replica

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// exported is an outcome that reflection may fill.
type exported outcome

func TestTheDocumentIsWrittenAsEncodingJSONDoes(t *testing.T) {
	tasks := func(b []byte) ([]byte, error) { return append(b, "{}"...), nil } // fsm's test is about them
	schemas, outcomes := rapid.Make[[]*Collection](), rapid.Make[exported]()
	sessions := rapid.MakeCustom[[]sessionRecord](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[remembered](): rapid.Custom(func(t *rapid.T) any {
			return remembered{Seq: rapid.Uint64().Draw(t, "seq"), outcome: outcome(outcomes.Draw(t, "outcome"))}
		}),
	}})
	rapid.Check(t, func(t *rapid.T) {
		d := document{AppliedIndex: rapid.Uint64().Draw(t, "index"), Schema: schemas.Draw(t, "schema"), Sessions: sessions.Draw(t, "sessions")}
		want, err := json.Marshal(d)
		require.NoError(t, err)
		got, err := d.appendJSON(nil, tasks)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}
