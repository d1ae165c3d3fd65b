# Bash completion of viso. All it knows it asks the program, which answers from its own tables of commands and options.
_viso()
{
    local -a words=() answer=()
    local i word line files=0
    # Bash splits "--key=value" at the sign: put the key and the value to the program as two words.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == "=" && $i -lt $COMP_CWORD ]]; then continue; fi
        if [[ $word == "=" ]]; then word=""; fi
        words+=("$word")
    done
    local typed=${words[${#words[@]} - 1]}
    COMPREPLY=()
    mapfile -t answer < <("${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null)
    for line in "${answer[@]}"; do
        if [[ $line == "<files>" ]]; then files=1; else COMPREPLY+=("$line"); fi
    done
    if ((files)); then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$typed")
    fi
}
complete -F _viso viso
