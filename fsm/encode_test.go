package fsm

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// states are any states at all; whatever field a struct gets is drawn, too.
var states = rapid.MakeCustom[State](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
	reflect.TypeFor[time.Time](): rapid.Custom(func(t *rapid.T) any {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(-70e9, 300e9).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone)
	}).AsAny(),
	reflect.TypeFor[float32](): rapid.Custom(func(t *rapid.T) any {
		return rapid.OneOf(rapid.Float32(), rapid.Float32Range(0, 1), rapid.SampledFrom([]float32{1e-7, 9.999999e-7, 1e-6, 1e21, 5e-10, float32(math.NaN())})).Draw(t, "float")
	}).AsAny(),
}})

func TestTheStateIsWrittenAsEncodingJSONDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states.Draw(t, "state")
		want, wantErr := json.Marshal(s)
		got, err := s.AppendJSON([]byte("before"))
		if wantErr != nil {
			require.Error(t, err, "%s", wantErr)
			return
		}
		require.NoError(t, err)
		require.Equal(t, "before"+string(want), string(got))
	})
}

func TestAppendStateIsCapture(t *testing.T) {
	m := everything(t).Manager
	want, err := m.Snapshot()
	require.NoError(t, err)
	got, err := m.AppendState(nil)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
