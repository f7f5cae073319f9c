"""A small valid cohort on which the tests build: file contents as lines of cells."""

from pathlib import Path

Files = dict[str, str | bytes]

PATIENTS = """\
patient_id,diagnosis,centre,implant_date,sex,age_at_implant,sci_level,ais_grade,ms_course,ambulatory,last_seen,exit_reason
P01,MS,North,2010-01-04,F,44,,,SP,false,2016-06-30,alive
P02,SCI,North,2011-05-02,M,31,cervical,A,,false,2017-03-01,alive
P03,HSP,South,2012-02-01,F,52,,,,true,2015-09-15,died
"""

DOSES = """\
patient_id,date,daily_dose_ug,mode,basal_ug_day,bolus_ug,boluses_per_day,concentration_ug_ml
P01,2010-01-04,100,simple,,,,500
P01,2010-06-01,140,simple,,,,500
P01,2011-01-10,168,simple,,,,2000
P01,2013-01-10,190,flex,,,,2000
P02,2011-05-02,90,simple,,,,500
P02,2012-05-02,150,simple,150,,,2000
P02,2014-05-02,,bolus,5.5,30,4,2000
P03,2012-02-01,60,simple,,,,500
P03,2013-02-01,120,simple,,,,500
P03,2014-02-01,0,,,,,
P03,2014-03-01,70,simple,,,,500
"""

ASSESSMENTS = """\
patient_id,date,scale,value,muscle,side,rater,n_muscles
P01,2009-12-01,ashworth_1_5,4,adductors,left,R1,
P01,2010-06-01,ashworth_1_5,1.75,,,R1,4
P02,2011-05-02,mas,1+,hamstrings,right,R2,
P02,2012-05-02,mas,1.3,,,R2,
P01,2011-01-10,edss,6.5,,,,
P02,2014-05-02,penn,2,,,,
P03,2013-02-01,ashworth_0_4,0.25,,,,8
"""

REFILLS = """\
patient_id,date,expected_residual_ml,actual_residual_ml,reservoir_ml
P01,2010-06-01,3.2,3.5,20
P02,2012-05-02,6,7.25,40
"""

EVENTS = """\
patient_id,date,event,detail
P01,2009-06-01,disease_progression,
P01,2012-01-05,trigger,uti
P02,2013-03-01,rotor_study,negative
P03,2014-02-01,holiday_start,
P03,2014-03-01,holiday_end,
P03,2015-09-15,death,
"""


def base_files() -> Files:
    """Return the files of the valid base cohort."""
    return {
        "patients.csv": PATIENTS,
        "doses.csv": DOSES,
        "assessments.csv": ASSESSMENTS,
        "refills.csv": REFILLS,
        "events.csv": EVENTS,
        "cohort.toml": 'name = "base"\nsynthetic = true\n',
    }


def write_files(folder: Path, files: Files) -> Path:
    """Write files into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    return folder
