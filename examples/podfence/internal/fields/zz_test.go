package fields
import ("testing";"os";"bytes";"reflect";"github.com/go-json-experiment/json/jsontext";"github.com/podfence/podfence/review"; corev1 "k8s.io/api/core/v1")
func items(b []byte, opts ...jsontext.Options) (list [][]byte) {
 d:=jsontext.NewDecoder(bytes.NewBuffer(b),opts...)
 for d.PeekKind()!='[' { d.ReadToken() }
 d.ReadToken()
 for d.PeekKind()!=']' { v,err:=d.ReadValue(); if err!=nil{panic(err)}; list=append(list,v) }
 return
}
func BenchmarkZFits(b *testing.B){ t,_:=os.ReadFile("/tmp/reader/list.json"); l:=items(t); b.SetBytes(int64(len(t)));b.ReportAllocs(); var f Fitter; s:=ShapeOf(reflect.TypeFor[corev1.Pod]()); for b.Loop(){ for _,v:=range l { if !f.Fits(v,s) {panic(string(v))} } } }
func BenchmarkZSparse(b *testing.B){ t,_:=os.ReadFile("/tmp/reader/list.json"); l:=items(t); b.SetBytes(int64(len(t)));b.ReportAllocs(); var f review.Reader; for b.Loop(){ for _,v:=range l { if _,err:=f.Pod(v);err!=nil {panic(string(v))} } } }
