package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// answered is what a guest writes for one job.
func answered(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	answer := Answer{CPU: 3 * time.Second, Footer: trace.Footer{Hash: "abc", Events: 2, Counters: map[string]int64{"sent": 2}}}
	require.NoError(t, WriteAnswer(&b, answer, []byte("the whole trace\n")))
	return b.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	var b bytes.Buffer
	p := plan.Default()
	require.NoError(t, WriteHello(&b, Hello{Protocol: Protocol, Seeded: true, Go: "go1.26"}))
	require.NoError(t, WriteJob(&b, Job{Plan: &p, Entropy: 1 << 63, Engine: "native", Build: "id"}))
	b.Write(answered(t))
	require.NoError(t, WriteAnswer(&b, Answer{Error: "no"}, []byte("is not sent")))

	hello, err := ReadHello(&b)
	require.NoError(t, err)
	require.Equal(t, Hello{Protocol: Protocol, Seeded: true, Go: "go1.26"}, hello)
	job, err := ReadJob(&b)
	require.NoError(t, err)
	require.Equal(t, Job{Plan: &p, Entropy: 1 << 63, Engine: "native", Build: "id"}, job)
	answer, tr, err := ReadAnswer(&b)
	require.NoError(t, err)
	require.Equal(t, "the whole trace\n", string(tr))
	require.Equal(t, 3*time.Second, answer.CPU)
	require.Equal(t, map[string]int64{"sent": 2}, answer.Footer.Counters)
	answer, tr, err = ReadAnswer(&b)
	require.NoError(t, err)
	require.Equal(t, "no", answer.Error)
	require.Empty(t, tr)
	_, err = ReadJob(&b)
	require.Equal(t, io.EOF, err, "no more jobs")
}

func TestAStreamThatEndsEarlyIsAnError(t *testing.T) {
	whole := answered(t)
	for n := range len(whole) {
		_, _, err := ReadAnswer(bytes.NewReader(whole[:n]))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut off after %d bytes", n)
		require.ErrorContains(t, err, "wire: ")
	}
}

func TestAStreamWithOneOtherByteIsAnError(t *testing.T) {
	whole := answered(t)
	for n := range len(whole) {
		garbled := bytes.Clone(whole)
		garbled[n] ^= 0x10
		_, _, err := ReadAnswer(bytes.NewReader(garbled))
		require.Error(t, err, "byte %d", n)
	}
}

func TestFramesAreRefused(t *testing.T) {
	frame := func(kind frameKind, payload string) []byte {
		var b bytes.Buffer
		require.NoError(t, writeFrame(&b, kind, []byte(payload)))
		return b.Bytes()
	}
	huge := frame(traceFrame, "x")
	copy(huge, []byte{0xff, 0xff, 0xff, 0xff})
	tests := []struct {
		name string
		read func(io.Reader) error
		in   []byte
		want string
	}{
		{"a job where an answer belongs", answerOf, frame(jobFrame, "{}"), "a frame of job where answer was expected"},
		{"an unknown kind", answerOf, frame('?', "{}"), "a frame of kind 0x3f where answer was expected"},
		{"an answer that is no JSON", answerOf, frame(answerFrame, "{"), "wire: answer: unexpected end of JSON input"},
		{"an answer without a trace", answerOf, frame(answerFrame, "{}"), "ended without an answer"},
		{"a length beyond all measure", answerOf, append(frame(answerFrame, "{}"), huge...), "a frame of 4294967295 bytes"},
		{"a hello of another protocol", helloOf, frame(helloFrame, `{"Protocol":7}`), "the guest speaks protocol 7, want 1"},
		{"a job without a plan", jobOf, frame(jobFrame, "{}"), "a job without a plan"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, tt.read(bytes.NewReader(tt.in)), tt.want)
		})
	}
}

func answerOf(r io.Reader) error { _, _, err := ReadAnswer(r); return err }
func helloOf(r io.Reader) error  { _, err := ReadHello(r); return err }
func jobOf(r io.Reader) error    { _, err := ReadJob(r); return err }

// full is a writer that takes no more than it was made for.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

func TestAWriterThatFailsIsReported(t *testing.T) {
	size := len(answered(t))
	for n := range size {
		f := full(n)
		err := WriteAnswer(&f, Answer{CPU: 3 * time.Second, Footer: trace.Footer{Hash: "abc", Events: 2, Counters: map[string]int64{"sent": 2}}}, []byte("the whole trace\n"))
		require.ErrorContains(t, err, "full", "room for %d of %d bytes", n, size)
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(answered(f))
	f.Add(answered(f)[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		answer, tr, err := ReadAnswer(bytes.NewReader(in))
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, WriteAnswer(&again, answer, tr))
		same, sameTrace, err := ReadAnswer(&again)
		require.NoError(t, err)
		require.Equal(t, answer, same)
		require.True(t, bytes.Equal(tr, sameTrace))
	})
}

func TestPiecesStandBeforeAnAnswerOrTheEnd(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WritePiece(&b, []byte("the first, ")))
	n, frame := AppendPiece(make([]byte, 0, headerSize+4), []byte("the second"))
	require.Equal(t, 4, n, "there is no more room")
	b.Write(frame)
	n, frame = AppendPiece(make([]byte, 0, 100), []byte("second"))
	require.Equal(t, 6, n)
	b.Write(frame)
	sent := bytes.Clone(b.Bytes())
	for cut := range len(sent) {
		pieces, err := ReadPieces(bufio.NewReader(bytes.NewReader(sent[:cut])))
		require.NoError(t, err)
		require.True(t, cut < len(sent) && bytes.HasPrefix([]byte("the first, the second"), pieces))
	}
	b.Write(answered(t))
	r := bufio.NewReader(&b)
	pieces, err := ReadPieces(r)
	require.NoError(t, err)
	require.Equal(t, "the first, the second", string(pieces))
	_, tr, err := ReadAnswer(r)
	require.NoError(t, err)
	require.Equal(t, "the whole trace\n", string(tr))

	sent[len(sent)-1]++
	_, err = ReadPieces(bufio.NewReader(bytes.NewReader(sent)))
	require.ErrorContains(t, err, "checksum")
}
