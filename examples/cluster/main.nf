// nextflow run examples/cluster/main.nf --recordings /data/study --results /data/results --parts 16
params.parts = 16

process nights {
    memory '3 GB'
    time '4h'

    input:
    val part

    output:
    val part

    // 1 says that a night failed: it stands in problems.tsv, and the others are compared all the same.
    script:
    """
    swa run '${params.recordings}' -o '${params.results}' --jobs 1 --part ${part}/${params.parts} || [ \$? -eq 1 ]
    """
}

process pages {
    memory '8 GB'

    input:
    val parts

    script:
    """
    swa compare '${params.results}' || [ \$? -eq 1 ]
    """
}

workflow {
    nights(channel.of(1..params.parts.toInteger()))
    pages(nights.out.collect())
}
