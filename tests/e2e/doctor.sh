#!/bin/sh
# What doctor says of machines in many states: is the answer right, is the advice right, and does the exit code say whether the
# work can be done as asked for. The second argument is the stub that stands in for driver and libraries.
stub=$(realpath "$2") || exit 1
. "$(dirname "$0")/lib.sh"
need_models
good=$VISO_MODELS
runtime=${VISO_ONNXRUNTIME:-}
[ -f "$runtime" ] || skip "VISO_ONNXRUNTIME names no file"

# doctor WHAT CODE ARGUMENT…: runs, then the table is in out.
doctor()
{
    machine=$1 wanted=$2
    shift 2
    run doctor "$@"
    same "$machine: exit code" "$wanted" "$code"
}
says() # TEXT: somewhere in the table
{
    check "$machine: says '$1'" grep -qF -- "$1" "$work/out"
}
not() # TEXT
{
    checks=$((checks + 1))
    if grep -qF -- "$1" "$work/out"; then
        failures=$((failures + 1))
        echo "FAILED: $machine: must not say '$1'"
    fi
}
advises() # NUMBER TEXT: the n-th thing to do
{
    check "$machine: advice $1 is '$2'" grep -q "^  $1\. .*$2" "$work/out"
}

# --- no GPU at all
if ! ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1'; then
    doctor "without a GPU" 0
    says "Ready: a face can be swapped"
    says "no NVIDIA driver"
    says "cpu "
    not "What to do"
    doctor "without a GPU, cuda asked for" 0 --provider cuda
    says "note     cuda"
    advises 1 "install the NVIDIA driver, or leave out --provider"
    doctor "without a GPU, cuda insisted on" 7 --provider cuda --strict-device
    says "problem  cuda"
    advises 1 "make the NVIDIA driver work, or leave out --strict-device"
    check "the error names the device" grep -q "cuda: not usable: no NVIDIA driver" "$work/err"
    doctor "without a GPU, cuda insisted on for one model" 7 --provider-for mobilefacenet=cuda --strict-device
    doctor "without a GPU, the best device insisted on" 0 --provider auto --strict-device
    doctor "without a GPU, the cpu insisted on" 0 --provider cpu --strict-device
fi

# --- a driver, and libraries in every state
mkdir lib
ln -s "$runtime" lib/libonnxruntime.so.1
ln -s "$stub" lib/libcuda.so.1
export VISO_ONNXRUNTIME="$work/lib/libonnxruntime.so.1" LD_LIBRARY_PATH="$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export STUB_CUDA_GPUS=1 STUB_CUDA_DRIVER=13000 STUB_CUDA_MIB=8192
doctor "the runtime came without its GPU half" 0
says "Stub GPU 0"
says "8.0 GiB"
says "libonnxruntime_providers_cuda.so is not beside the runtime"
check "the GPU half is fetched by make setup" grep -q "make setup GPU=1.*copy libonnxruntime_providers_cuda.so to $work/lib/" out
touch lib/libonnxruntime_providers_cuda.so lib/libonnxruntime_providers_shared.so lib/libonnxruntime_providers_tensorrt.so

for name in libcudart.so.13 libcublasLt.so.13 libcufft.so.12; do ln -s "$stub" "lib/$name"; done
export STUB_CUDART=13000 STUB_CUDNN=91400 STUB_TENSORRT=101303
echo broken >lib/libcudnn.so.9
doctor "a broken cuDNN" 0
says "13.0; wanted: 13"
says "broken: $work/lib/libcudnn.so.9: file too short; wanted: 9"
says "wanted: 13"
advises 1 "replace $work/lib/libcudnn.so.9 by a whole copy of cuDNN 9, or take its folder out of LD_LIBRARY_PATH"
says "Ready"
doctor "a broken cuDNN, cuda insisted on" 7 --provider cuda --strict-device
says "not usable: cuDNN 9 does not load"
not "Ready"
advises 1 "mend what is said of the GPU's libraries, or leave out --strict-device"
advises 2 "replace $work/lib/libcudnn.so.9"
run doctor --json
same "a broken cuDNN, JSON" 0 "$code"
check "JSON lists what to do" grep -q '"todo": \[' out

rm lib/libcudnn.so.9
if ! ldconfig -p 2>/dev/null | grep -q 'libcudnn\.so\.9'; then # the machine's own would be found
    ln -s "$stub" lib/libcudnn.so.8
    STUB_CUDNN=8907 doctor "an old cuDNN" 0
    says "8.9.7; wanted: 9"
    advises 1 "install cuDNN 9 beside it: libcudnn.so.9"
    rm lib/libcudnn.so.8
fi
ln -s "$stub" lib/libcudnn.so.9
ln -s "$stub" lib/libnvinfer.so.10
doctor "the right libraries" 0
says "9.14.0; wanted: 9"
says "10.13.3; wanted: 10"
not "replace"

# What is wanted stands in the provider's own file, not in a table.
if command -v cc >/dev/null; then
    rm lib/libonnxruntime_providers_cuda.so
    echo 'int cudaRuntimeGetVersion(int *v); int cudaRuntimeGetVersion(int *v) { return *v = 0; }' >needed.c
    echo 'int provider(void); int provider(void) { return 0; }' >provider.c
    mkdir old
    if cc -shared -fPIC -Wl,-soname,libcudart.so.12 -o old/libcudart.so.12 needed.c &&
        cc -shared -fPIC -Wl,--no-as-needed -o lib/libonnxruntime_providers_cuda.so provider.c old/libcudart.so.12; then
        STUB_CUDA_DRIVER=11040 doctor "a runtime made for CUDA 12, an older driver" 0
        says "serves CUDA 11.4; wanted: CUDA 12"
        advises 1 "update the NVIDIA driver to 525 or newer"
        ldconfig -p 2>/dev/null | grep -q 'libcudart\.so\.12' || says "13.0; wanted: 12" # 13 alone is here
    fi
    rm -f lib/libonnxruntime_providers_cuda.so && touch lib/libonnxruntime_providers_cuda.so
fi
STUB_CUDA_DRIVER=12040 doctor "an old driver" 0
says "serves CUDA 12.4; wanted: CUDA 13"
advises 1 "update the NVIDIA driver to 580 or newer"
STUB_CUDA_ERROR=803 doctor "a driver that does not start" 0
says "the NVIDIA driver does not start (error 803)"
advises 1 "install the NVIDIA driver again"
STUB_CUDA_GPUS=0 doctor "a driver without a GPU" 0
says "the NVIDIA driver finds no GPU"

# --- models
mkdir copy none
cp "$good"/* copy/
rm copy/face_landmark_with_attention.onnx
VISO_MODELS=$work/copy doctor "a model missing" 6
says "problem  face_landmark_with_attention"
advises 1 'make build. to make the starter models, or name the folder that holds them with --models'
check "the error names the model" grep -q "face_landmark_with_attention: missing" err
head -c 1000 "$good/face_landmark_with_attention.onnx" >copy/face_landmark_with_attention.onnx
VISO_MODELS=$work/copy doctor "a damaged model" 6
advises 1 "remove $work/copy/face_landmark_with_attention.onnx and run .make build"
# What keeps the work from being done comes before what would make it faster.
echo broken >lib/libcudnn.so.9.new && mv lib/libcudnn.so.9.new lib/libcudnn.so.9
VISO_MODELS=$work/copy doctor "a damaged model and a broken cuDNN" 6
advises 1 "remove $work/copy/face_landmark_with_attention.onnx"
advises 2 "replace $work/lib/libcudnn.so.9"
VISO_MODELS=$work/none doctor "no models" 6
advises 1 "run .make build. to make the starter models"
doctor "a folder of models that is none" 6 --models "$work/none"
advises 1 "name the folder that holds manifest.json"

# --- the rest of the machine
VISO_ONNXRUNTIME=$work/none doctor "no runtime" 7
says "problem  ONNX Runtime"
advises 1 "run .make setup., or name the library with VISO_ONNXRUNTIME"
TMPDIR=/proc doctor "a temporary folder that cannot be written" 0
says "note     temporary"
check "advice for the folder" grep -q "set TMPDIR" out
done_checking
