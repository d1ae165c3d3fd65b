# Bash completion of viso. All it knows it asks the program, which answers from its own tables of commands and options.
_viso()
{
    local -a words=() answer=()
    local i word line files=0 at=0 strip=""
    # Bash splits at "=" and ":". "--key=value" is put to the program as two words; behind --at both signs belong to the words.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == "--at" ]]; then at=1; elif [[ $word == -?* ]]; then at=0; fi
        if ((at && ${#words[@]})) && [[ ${COMP_WORDS[i]} == [=:] || ${COMP_WORDS[i - 1]} == [=:] ]] && [[ ${words[${#words[@]} - 1]} != --at ]]; then
            words[${#words[@]} - 1]+=$word
            continue
        fi
        if [[ $word == "=" && $i -lt $COMP_CWORD ]]; then continue; fi
        if [[ $word == "=" ]]; then word=""; fi
        words+=("$word")
    done
    local typed=${words[${#words[@]} - 1]}
    if ((at)); then
        # A candidate replaces what stands behind the last sign that splits; within quotes nothing does.
        case $typed in
        [\"\']*) typed=${typed:1}; words[${#words[@]} - 1]=$typed ;;
        *[=:]*) strip=${typed%"${typed##*[=:]}"} ;;
        esac
    fi
    COMPREPLY=()
    mapfile -t answer < <("${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null)
    for line in "${answer[@]}"; do
        if [[ $line == "<files>" ]]; then files=1; else COMPREPLY+=("${line#"$strip"}"); fi
        if [[ $line == *= ]]; then compopt -o nospace 2>/dev/null; fi
    done
    if ((files)); then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$typed")
    fi
}
complete -F _viso viso
