package api

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

func TestEnvelopeIsThePinnedProtobuf(t *testing.T) {
	r := &ApplyRequest{
		Type: CommandAddTask, Class: "C", Version: 7, SubCommand: []byte(`{}`),
		RequestID: RequestID{Client: "n1", Seq: 2, Low: 1, Since: 5},
	}
	want := []byte{
		0x08, 0xac, 0x02, // 1: 300
		0x12, 0x01, 'C', // 2: "C"
		0x18, 0x07, // 3: 7
		0x22, 0x02, '{', '}', // 4: {}
		0xaa, 0x06, 0x02, 'n', '1', // 101: "n1"
		0xb0, 0x06, 0x02, // 102: 2
		0xb8, 0x06, 0x01, // 103: 1
		0xc0, 0x06, 0x05, // 104: 5
	}
	require.Equal(t, want, Encode(r))
}

func TestEnvelopeRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &ApplyRequest{
			Type:    CommandType(rapid.Int32().Draw(t, "type")),
			Class:   rapid.String().Draw(t, "class"),
			Version: rapid.Uint64().Draw(t, "version"),
			RequestID: RequestID{
				Client: rapid.String().Draw(t, "client"),
				Seq:    rapid.Uint64().Draw(t, "seq"),
				Low:    rapid.Uint64().Draw(t, "low"),
				Since:  rapid.Uint64().Draw(t, "since"),
			},
		}
		if sub := rapid.SliceOf(rapid.Byte()).Draw(t, "sub"); len(sub) > 0 {
			r.SubCommand = sub
		}
		got, err := Decode(Encode(r))
		require.NoError(t, err)
		require.Equal(t, r, got)
	})
}

func TestDecodeEnvelope(t *testing.T) {
	field := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	text := func(num protowire.Number, v string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), v)
	}
	cat := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	for name, tc := range map[string]struct {
		in   []byte
		want ApplyRequest
		err  string
	}{
		"nothing is the zero request":                {in: nil},
		"unknown fields are skipped":                 {in: cat(text(9, "later"), field(1, 300)), want: ApplyRequest{Type: 300}},
		"the last of a repeated field counts":        {in: cat(field(1, 300), field(1, 301)), want: ApplyRequest{Type: 301}},
		"a negative type survives":                   {in: field(1, math.MaxUint64), want: ApplyRequest{Type: -1}},
		"an empty sub command is none":               {in: text(4, ""), want: ApplyRequest{}},
		"a type beyond 32 bits is refused":           {in: field(1, 1<<31), err: "field 1 at byte 1: command type 2147483648 is not a 32 bit number"},
		"a number where text belongs is refused":     {in: field(2, 1), err: "field 2 at byte 1: wire type 0, want bytes"},
		"text where a number belongs is refused":     {in: text(102, "x"), err: "field 102 at byte 2: wire type 2, want a varint"},
		"a class that is no text is refused":         {in: text(2, "\xff"), err: "not valid UTF-8"},
		"a cut off tag is refused":                   {in: []byte{0x08, 0x01, 0x80}, err: "tag at byte 2"},
		"a cut off sub command is refused":           {in: []byte{0x22, 0x05, 'a'}, err: "field 4 at byte 1"},
		"a cut off unknown field is refused as well": {in: []byte{0x4a, 0x05, 'a'}, err: "field 9 at byte 1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(tc.in)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &tc.want, got)
		})
	}
}

func TestDecodedEnvelopeSharesNoMemory(t *testing.T) {
	b := Encode(&ApplyRequest{Type: CommandAddTask, SubCommand: []byte("abc")})
	r, err := Decode(b)
	require.NoError(t, err)
	clear(b)
	require.Equal(t, "abc", string(r.SubCommand))
}

func TestNewApplyRequest(t *testing.T) {
	t.Run("leaves zero values out", func(t *testing.T) {
		r, err := NewApplyRequest(CommandCancelTask, &CancelDistributedTaskRequest{Namespace: "ns", Id: "a"})
		require.NoError(t, err)
		require.Equal(t, &ApplyRequest{Type: 301, SubCommand: []byte(`{"namespace":"ns","id":"a"}`)}, r)
	})
	t.Run("refuses what JSON cannot say", func(t *testing.T) {
		_, err := NewApplyRequest(CommandUpdateUnitProgress,
			&UpdateDistributedTaskUnitProgressRequest{Progress: float32(math.NaN())})
		require.ErrorContains(t, err, "marshal DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS")
	})
}

func TestCommandNames(t *testing.T) {
	require.Equal(t, "DISTRIBUTED_TASK_MARK_FAILED", CommandMarkTaskFailed.String())
	require.Equal(t, "COMMAND_42", CommandType(42).String())
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add(Encode(&ApplyRequest{
		Type: CommandAddTask, Class: "C", Version: 1, SubCommand: []byte(`{}`),
		RequestID: RequestID{Client: "n1", Seq: 1, Low: 1},
	}))
	f.Add([]byte{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{0x22, 0x05, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			require.Nil(t, r)
			return
		}
		again, err := Decode(Encode(r))
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}
